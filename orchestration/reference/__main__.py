"""Write everything that is generated: make docs."""

from orchestration.reference.docs import main

main()
