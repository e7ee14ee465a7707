{{ newest_version('survey_invitations') }}
