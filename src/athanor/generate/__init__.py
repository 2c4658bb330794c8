"""One engine for every text request. `request`, `scheduler`, `sampling`, `stops` know nothing of torch."""
