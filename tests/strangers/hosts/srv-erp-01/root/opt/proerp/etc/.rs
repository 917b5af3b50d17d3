Bde!Transfer!3
