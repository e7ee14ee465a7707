{{ newest_version('web_sessions') }}
