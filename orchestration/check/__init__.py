"""What a run would make of a file, without a home: claims, faults, rejected rows, mapped records, words, doubts."""
