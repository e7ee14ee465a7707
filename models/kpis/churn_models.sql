{{ risk_models("'churn by subscription', 'churn by purchases'") }}
