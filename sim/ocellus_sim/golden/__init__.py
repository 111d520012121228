"""What every stage must compute: whole arrays, integers, NumPy only, written from the pages in docs/."""
