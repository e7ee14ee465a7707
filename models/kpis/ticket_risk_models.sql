{{ risk_models("'response target missed', 'bad score'") }}
