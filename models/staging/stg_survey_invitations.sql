{{ newest_version('survey_invitations', 'sent_at') }}
