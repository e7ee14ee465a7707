"""The generated pages of the docs, and the generated files of the project. Run: make docs"""
