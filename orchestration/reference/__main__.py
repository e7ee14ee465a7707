from orchestration.reference.docs import main

main()
