"""The style sheet of `report.html`."""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #1c2430; --muted: #5c6675; --line: #dde1e7;
  --accent: #1f6fb5; --bar: #cfe3f5; --right: #117a54; --right-bar: #c4ead9;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161c; --card: #1a2029; --ink: #e6eaf0; --muted: #98a3b3; --line: #2d3643;
    --accent: #7ab8f0; --bar: #24415c; --right: #5fd3a6; --right-bar: #1d4a3a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.8rem 0 .3rem; }
h3 { font-size: 1rem; margin: 0 0 .5rem; }
p { margin: .3rem 0 1rem; max-width: 46rem; }
.muted, .lead { color: var(--muted); }
.card {
  background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 1rem 1.15rem; min-width: 0;
}
.grid { display: grid; gap: 1rem; grid-template-columns: var(--columns); }
.even { --columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); }
.tiles { --columns: repeat(auto-fit, minmax(min(13rem, 100%), 1fr)); margin-top: 1.5rem; }
.sentences { --columns: repeat(auto-fill, minmax(min(27rem, 100%), 1fr)); }
.tile b { display: block; font-size: 1.6rem; line-height: 1.2; }
.tile span { color: var(--muted); font-size: .875rem; }
.tile .name { color: var(--ink); font-weight: 600; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
th, td { text-align: left; vertical-align: top; padding: .28rem 0; overflow-wrap: anywhere; }
tr + tr > * { border-top: 1px solid var(--line); }
th { font-weight: 400; color: var(--muted); padding-right: 1rem; width: 55%; }
td { font-variant-numeric: tabular-nums; }
svg.figure { display: block; width: 100%; height: auto; color: var(--ink); }
.wide { overflow-x: auto; }
.wide svg.figure { min-width: 34rem; max-width: 46rem; margin: 0 auto; }
.sentence { margin: 0 0 .8rem; overflow-wrap: anywhere; }
.gap {
  display: inline-block; min-width: 3.2rem; padding: 0 .4rem; text-align: center;
  border-bottom: 2px solid var(--accent); color: var(--accent); font-weight: 600;
}
.blanks { display: grid; gap: 1rem; grid-template-columns: 1fr 1fr; }
.guesses { list-style: none; margin: .25rem 0 0; padding: 0; font-size: .875rem; }
.guesses li {
  display: flex; justify-content: space-between; gap: .5rem; padding: .08rem .4rem;
  margin-top: 2px; border-radius: 4px; overflow-wrap: anywhere;
  background: linear-gradient(to right, var(--bar) var(--share), transparent var(--share));
}
.guesses li.right {
  background: linear-gradient(to right, var(--right-bar) var(--share), transparent var(--share));
  color: var(--right); font-weight: 600;
}
footer { margin-top: 3rem; color: var(--muted); font-size: .875rem; }
"""
