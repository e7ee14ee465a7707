select
    model,
    version,
    language,
    is_used,
    texts,
    labelled_texts,
    fitted_to,
    held_back,
    held_back_from,
    auc,
    brier,
    macro_f1,
    accuracy,
    guess_accuracy as baseline_accuracy,
    calibration,
    problem
from {{ source('raw', 'text_models') }}
