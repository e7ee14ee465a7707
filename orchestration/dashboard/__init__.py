"""The published marts to look at: pages of blocks over the marts, drawn as one HTML file and as a Streamlit app."""
