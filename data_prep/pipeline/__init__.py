"""The steps of corpus preparation joined, and the engines that run them."""
