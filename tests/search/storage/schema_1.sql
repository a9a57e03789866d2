-- A study database of schema 1, as the last winnow that knew no other left it: 4 trials, and 4 runs
-- that confirm the best. Never to be edited: databases like it exist.
CREATE TABLE winnow_attempts (
    study VARCHAR(512) NOT NULL,
    number INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    token VARCHAR(32) NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    versions TEXT NOT NULL,
    start_step INTEGER NOT NULL,
    started FLOAT NOT NULL,
    ended FLOAT,
    "end" VARCHAR(16),
    gpus FLOAT NOT NULL,
    error TEXT,
    log TEXT,
    peak_memory BIGINT,
    PRIMARY KEY (study, number, attempt)
);
CREATE TABLE winnow_checkpoints (
    study VARCHAR(512) NOT NULL,
    number INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    step INTEGER NOT NULL,
    path TEXT NOT NULL,
    sha256 VARCHAR(64) NOT NULL,
    size BIGINT NOT NULL,
    written FLOAT NOT NULL,
    PRIMARY KEY (study, number, attempt, step)
);
CREATE TABLE winnow_diagnostics (
    study VARCHAR(512) NOT NULL,
    number INTEGER NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (study, number)
);
CREATE TABLE winnow_drivers (
    study VARCHAR(512) NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    since FLOAT NOT NULL,
    PRIMARY KEY (study)
);
CREATE TABLE winnow_flags (
    study VARCHAR(512) NOT NULL,
    number INTEGER NOT NULL,
    kind VARCHAR(32) NOT NULL,
    metric TEXT NOT NULL,
    step INTEGER NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (study, number, kind, metric)
);
CREATE TABLE winnow_registrations (
    study VARCHAR(512) NOT NULL,
    version INTEGER NOT NULL,
    kind VARCHAR(16) NOT NULL,
    reason TEXT NOT NULL,
    hash VARCHAR(16) NOT NULL,
    specification TEXT NOT NULL,
    looks TEXT NOT NULL,
    created FLOAT NOT NULL,
    PRIMARY KEY (study, version)
);
CREATE TABLE winnow_schema (
    version INTEGER NOT NULL,
    PRIMARY KEY (version)
);
CREATE TABLE winnow_steps (
    study VARCHAR(512) NOT NULL,
    number INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    step INTEGER NOT NULL,
    metrics TEXT NOT NULL,
    elapsed_s FLOAT NOT NULL,
    finished FLOAT NOT NULL,
    PRIMARY KEY (study, number, attempt, step)
);
CREATE TABLE winnow_studies (
    study VARCHAR(512) NOT NULL,
    name VARCHAR(512) NOT NULL,
    kind VARCHAR(32) NOT NULL,
    specification TEXT NOT NULL,
    created FLOAT NOT NULL,
    PRIMARY KEY (study)
);
CREATE TABLE winnow_trials (
    study VARCHAR(512) NOT NULL,
    number INTEGER NOT NULL,
    arm TEXT NOT NULL,
    seed BIGINT NOT NULL,
    configuration TEXT NOT NULL,
    changes TEXT NOT NULL,
    max_steps INTEGER NOT NULL,
    bracket INTEGER NOT NULL,
    code VARCHAR(16) NOT NULL,
    data VARCHAR(16) NOT NULL,
    created FLOAT NOT NULL,
    outcome VARCHAR(16),
    step INTEGER,
    "values" TEXT,
    reason TEXT,
    finished FLOAT,
    PRIMARY KEY (study, number)
);
CREATE INDEX winnow_attempts_token ON winnow_attempts (token);
CREATE INDEX ix_winnow_studies_name ON winnow_studies (name);
INSERT INTO winnow_schema ("version") VALUES (1);
INSERT INTO winnow_studies ("study", "name", "kind", "specification", "created") VALUES ('old/search', 'old', 'search', '{"baseline": {"lr": 0.01}, "criteria": [], "evaluation": {"direction": "maximize", "metric": "test_ap"}, "git_commit": null, "guards": [{"action": "flag", "kind": "non_finite", "limit": null, "metric": null, "steps": null}, {"action": "flag", "kind": "gradient_high", "limit": null, "metric": null, "steps": null}, {"action": "flag", "kind": "gradient_vanishing", "limit": null, "metric": null, "steps": null}, {"action": "flag", "kind": "collapse", "limit": null, "metric": null, "steps": null}, {"action": "flag", "kind": "negative", "limit": null, "metric": null, "steps": null}, {"action": "flag", "kind": "dominance", "limit": null, "metric": null, "steps": null}, {"action": "flag", "kind": "constant", "limit": null, "metric": null, "steps": null}, {"action": "flag", "kind": "gap", "limit": null, "metric": null, "steps": null}, {"action": "flag", "kind": "no_improvement", "limit": null, "metric": null, "steps": null}, {"action": "flag", "kind": "peak_at_end", "limit": null, "metric": null, "steps": null}], "machine": {"cpus": 2, "host": "ada", "memory_gib": 23.5}, "max_steps": 4, "n_trials": 4, "objectives": [{"direction": "maximize", "metric": "val_ap"}], "parameters": [{"high": 0.1, "kind": "float", "log": true, "low": 0.001, "name": "lr", "step": null, "when": null}], "points": [{"lr": 0.01}], "pruner": {"brackets": 1, "grace_steps": 1, "kind": "ASHA", "reduction_factor": 2, "rungs": [[1, 2]], "steps": [[1, 2]]}, "replication": "fresh", "resources": {"cpus": 1.0, "gpus": null}, "sampler": "tpe", "score_at": "last", "secondary": [], "seed": 0, "smallest_gain": null, "source": {"classes": {"": "Config"}, "defaults": {"lr": 0.01}, "forms": {"lr": ["float"]}, "presets": {}}, "split_seed": 0, "targets": {}, "test_train_ratio": 0.0, "versions": {"python": "3.11.7", "winnow": "0.1.0"}}', 1795311089.630881);
INSERT INTO winnow_studies ("study", "name", "kind", "specification", "created") VALUES ('old/confirm', 'old', 'confirm', '{"baseline": {"lr": 0.01}, "best_arm": "trial 3", "criteria": [], "evaluation": {"direction": "maximize", "metric": "test_ap"}, "git_commit": null, "guards": [{"action": "flag", "kind": "non_finite", "limit": null, "metric": null, "steps": null}, {"action": "flag", "kind": "gradient_high", "limit": null, "metric": null, "steps": null}, {"action": "flag", "kind": "gradient_vanishing", "limit": null, "metric": null, "steps": null}, {"action": "flag", "kind": "collapse", "limit": null, "metric": null, "steps": null}, {"action": "flag", "kind": "negative", "limit": null, "metric": null, "steps": null}, {"action": "flag", "kind": "dominance", "limit": null, "metric": null, "steps": null}, {"action": "flag", "kind": "constant", "limit": null, "metric": null, "steps": null}, {"action": "flag", "kind": "gap", "limit": null, "metric": null, "steps": null}, {"action": "flag", "kind": "no_improvement", "limit": null, "metric": null, "steps": null}, {"action": "flag", "kind": "peak_at_end", "limit": null, "metric": null, "steps": null}], "machine": {"cpus": 2, "host": "ada", "memory_gib": 23.5}, "max_steps": 4, "objectives": [{"direction": "maximize", "metric": "val_ap"}], "reference_lines": {}, "replication": "fresh", "resources": {"cpus": 1.0, "gpus": null}, "score_at": "last", "secondary": [], "seed": 0, "seeds": [1224774250, 2017046320], "smallest_gain": null, "source": {"classes": {"": "Config"}, "defaults": {"lr": 0.01}, "forms": {"lr": ["float"]}, "presets": {}}, "split_seed": 0, "targets": {}, "test_train_ratio": 0.0, "versions": {"python": "3.11.7", "winnow": "0.1.0"}}', 1795311089.7779226);
INSERT INTO winnow_trials ("study", "number", "arm", "seed", "configuration", "changes", "max_steps", "bracket", "code", "data", "created", "outcome", "step", "values", "reason", "finished") VALUES ('old/search', 0, 'baseline', 0, '{"lr": 0.01}', '{}', 4, 0, '', '', 1795311089.6731238, 'complete', 4, '[0.890625]', NULL, 1795311089.7012017);
INSERT INTO winnow_trials ("study", "number", "arm", "seed", "configuration", "changes", "max_steps", "bracket", "code", "data", "created", "outcome", "step", "values", "reason", "finished") VALUES ('old/search', 1, 'baseline', 0, '{"lr": 0.08839874534247044}', '{"lr": 0.08839874534247044}', 4, 0, '', '', 1795311089.7245824, 'pruned', 1, '[0.279003]', NULL, 1795311089.725872);
INSERT INTO winnow_trials ("study", "number", "arm", "seed", "configuration", "changes", "max_steps", "bracket", "code", "data", "created", "outcome", "step", "values", "reason", "finished") VALUES ('old/search', 2, 'baseline', 0, '{"lr": 0.013385298778232689}', '{"lr": 0.013385298778232689}', 4, 0, '', '', 1795311089.741253, 'pruned', 1, '[0.466537]', NULL, 1795311089.7426338);
INSERT INTO winnow_trials ("study", "number", "arm", "seed", "configuration", "changes", "max_steps", "bracket", "code", "data", "created", "outcome", "step", "values", "reason", "finished") VALUES ('old/search', 3, 'baseline', 0, '{"lr": 0.009085461387786662}', '{"lr": 0.009085461387786662}', 4, 0, '', '', 1795311089.7590754, 'complete', 4, '[0.894912]', NULL, 1795311089.7656434);
INSERT INTO winnow_trials ("study", "number", "arm", "seed", "configuration", "changes", "max_steps", "bracket", "code", "data", "created", "outcome", "step", "values", "reason", "finished") VALUES ('old/confirm', 0, 'baseline', 1224774250, '{"lr": 0.01}', '{}', 4, 0, '', '', 1795311089.7929626, 'complete', 4, '[0.890625]', NULL, 1795311089.797943);
INSERT INTO winnow_trials ("study", "number", "arm", "seed", "configuration", "changes", "max_steps", "bracket", "code", "data", "created", "outcome", "step", "values", "reason", "finished") VALUES ('old/confirm', 1, 'trial 3', 1224774250, '{"lr": 0.009085461387786662}', '{"lr": 0.009085461387786662}', 4, 0, '', '', 1795311089.8132024, 'complete', 4, '[0.894912]', NULL, 1795311089.8187745);
INSERT INTO winnow_trials ("study", "number", "arm", "seed", "configuration", "changes", "max_steps", "bracket", "code", "data", "created", "outcome", "step", "values", "reason", "finished") VALUES ('old/confirm', 2, 'baseline', 2017046320, '{"lr": 0.01}', '{}', 4, 0, '', '', 1795311089.8348327, 'complete', 4, '[0.890625]', NULL, 1795311089.8407326);
INSERT INTO winnow_trials ("study", "number", "arm", "seed", "configuration", "changes", "max_steps", "bracket", "code", "data", "created", "outcome", "step", "values", "reason", "finished") VALUES ('old/confirm', 3, 'trial 3', 2017046320, '{"lr": 0.009085461387786662}', '{"lr": 0.009085461387786662}', 4, 0, '', '', 1795311089.8525074, 'complete', 4, '[0.894912]', NULL, 1795311089.8584146);
INSERT INTO winnow_attempts ("study", "number", "attempt", "token", "host", "pid", "versions", "start_step", "started", "ended", "end", "gpus", "error", "log", "peak_memory") VALUES ('old/search', 0, 0, '2d70be291f2a4093b2d5a3ffe3753a65', 'ada', 18563, '{"python": "3.11.7", "winnow": "0.1.0"}', 0, 1795311089.6913855, 1795311089.7012079, 'complete', 0.0, NULL, '', 265252864);
INSERT INTO winnow_attempts ("study", "number", "attempt", "token", "host", "pid", "versions", "start_step", "started", "ended", "end", "gpus", "error", "log", "peak_memory") VALUES ('old/search', 1, 0, '934472e0969246ca866f09ed3daef296', 'ada', 18563, '{"python": "3.11.7", "winnow": "0.1.0"}', 0, 1795311089.725211, 1795311089.7258766, 'pruned', 0.0, NULL, NULL, 265293824);
INSERT INTO winnow_attempts ("study", "number", "attempt", "token", "host", "pid", "versions", "start_step", "started", "ended", "end", "gpus", "error", "log", "peak_memory") VALUES ('old/search', 2, 0, 'c0de8bacc50348639edd846467890a9b', 'ada', 18563, '{"python": "3.11.7", "winnow": "0.1.0"}', 0, 1795311089.7419631, 1795311089.7426379, 'pruned', 0.0, NULL, NULL, 265297920);
INSERT INTO winnow_attempts ("study", "number", "attempt", "token", "host", "pid", "versions", "start_step", "started", "ended", "end", "gpus", "error", "log", "peak_memory") VALUES ('old/search', 3, 0, 'ee99f5c113d14d7c8251b265464dbc63', 'ada', 18563, '{"python": "3.11.7", "winnow": "0.1.0"}', 0, 1795311089.75984, 1795311089.7656496, 'complete', 0.0, NULL, '', 265314304);
INSERT INTO winnow_attempts ("study", "number", "attempt", "token", "host", "pid", "versions", "start_step", "started", "ended", "end", "gpus", "error", "log", "peak_memory") VALUES ('old/confirm', 0, 0, 'fc29692ec55042a89304d468fa3e6935', 'ada', 18563, '{"python": "3.11.7", "winnow": "0.1.0"}', 0, 1795311089.7935402, 1795311089.7979488, 'complete', 0.0, NULL, '', 265326592);
INSERT INTO winnow_attempts ("study", "number", "attempt", "token", "host", "pid", "versions", "start_step", "started", "ended", "end", "gpus", "error", "log", "peak_memory") VALUES ('old/confirm', 1, 0, '327ade181ea84d6aaa170ef6e7ca74d5', 'ada', 18563, '{"python": "3.11.7", "winnow": "0.1.0"}', 0, 1795311089.8139122, 1795311089.8187807, 'complete', 0.0, NULL, '', 265334784);
INSERT INTO winnow_attempts ("study", "number", "attempt", "token", "host", "pid", "versions", "start_step", "started", "ended", "end", "gpus", "error", "log", "peak_memory") VALUES ('old/confirm', 2, 0, 'a664b549e51e4b68b469e0ad72675abb', 'ada', 18563, '{"python": "3.11.7", "winnow": "0.1.0"}', 0, 1795311089.8355184, 1795311089.8407388, 'complete', 0.0, NULL, '', 265347072);
INSERT INTO winnow_attempts ("study", "number", "attempt", "token", "host", "pid", "versions", "start_step", "started", "ended", "end", "gpus", "error", "log", "peak_memory") VALUES ('old/confirm', 3, 0, 'd98c4f65b6fe48ebaf48da37ea914697', 'ada', 18563, '{"python": "3.11.7", "winnow": "0.1.0"}', 0, 1795311089.8531346, 1795311089.8584232, 'complete', 0.0, NULL, '', 265359360);
INSERT INTO winnow_steps ("study", "number", "attempt", "step", "metrics", "elapsed_s", "finished") VALUES ('old/search', 0, 0, 1, '{"test_ap": 0.45, "val_ap": 0.475}', 2.8592010494321585e-05, 1795311089.691966);
INSERT INTO winnow_steps ("study", "number", "attempt", "step", "metrics", "elapsed_s", "finished") VALUES ('old/search', 0, 0, 2, '{"test_ap": 0.675, "val_ap": 0.7125}', 2.740099444054067e-05, 1795311089.698245);
INSERT INTO winnow_steps ("study", "number", "attempt", "step", "metrics", "elapsed_s", "finished") VALUES ('old/search', 0, 0, 3, '{"test_ap": 0.7875, "val_ap": 0.83125}', 2.61490058619529e-05, 1795311089.700928);
INSERT INTO winnow_steps ("study", "number", "attempt", "step", "metrics", "elapsed_s", "finished") VALUES ('old/search', 0, 0, 4, '{"test_ap": 0.84375, "val_ap": 0.890625}', 7.000009645707905e-06, 1795311089.7009542);
INSERT INTO winnow_steps ("study", "number", "attempt", "step", "metrics", "elapsed_s", "finished") VALUES ('old/search', 1, 0, 1, '{"test_ap": 0.45, "val_ap": 0.279003}', 2.5588000426068902e-05, 1795311089.7253325);
INSERT INTO winnow_steps ("study", "number", "attempt", "step", "metrics", "elapsed_s", "finished") VALUES ('old/search', 2, 0, 1, '{"test_ap": 0.45, "val_ap": 0.466537}', 2.3024011170491576e-05, 1795311089.7420793);
INSERT INTO winnow_steps ("study", "number", "attempt", "step", "metrics", "elapsed_s", "finished") VALUES ('old/search', 3, 0, 1, '{"test_ap": 0.45, "val_ap": 0.477286}', 2.680899342522025e-05, 1795311089.7600443);
INSERT INTO winnow_steps ("study", "number", "attempt", "step", "metrics", "elapsed_s", "finished") VALUES ('old/search', 3, 0, 2, '{"test_ap": 0.675, "val_ap": 0.71593}', 2.4156004656106234e-05, 1795311089.7629025);
INSERT INTO winnow_steps ("study", "number", "attempt", "step", "metrics", "elapsed_s", "finished") VALUES ('old/search', 3, 0, 3, '{"test_ap": 0.7875, "val_ap": 0.835251}', 2.287401002831757e-05, 1795311089.7653298);
INSERT INTO winnow_steps ("study", "number", "attempt", "step", "metrics", "elapsed_s", "finished") VALUES ('old/search', 3, 0, 4, '{"test_ap": 0.84375, "val_ap": 0.894912}', 7.201000698842108e-06, 1795311089.7653556);
INSERT INTO winnow_steps ("study", "number", "attempt", "step", "metrics", "elapsed_s", "finished") VALUES ('old/confirm', 0, 0, 1, '{"test_ap": 0.45, "val_ap": 0.475}', 2.1692001610063016e-05, 1795311089.7936487);
INSERT INTO winnow_steps ("study", "number", "attempt", "step", "metrics", "elapsed_s", "finished") VALUES ('old/confirm', 0, 0, 2, '{"test_ap": 0.675, "val_ap": 0.7125}', 1.7386002582497895e-05, 1795311089.7957263);
INSERT INTO winnow_steps ("study", "number", "attempt", "step", "metrics", "elapsed_s", "finished") VALUES ('old/confirm', 0, 0, 3, '{"test_ap": 0.7875, "val_ap": 0.83125}', 1.83569936780259e-05, 1795311089.7977138);
INSERT INTO winnow_steps ("study", "number", "attempt", "step", "metrics", "elapsed_s", "finished") VALUES ('old/confirm', 0, 0, 4, '{"test_ap": 0.84375, "val_ap": 0.890625}', 4.09600033890456e-06, 1795311089.7977295);
INSERT INTO winnow_steps ("study", "number", "attempt", "step", "metrics", "elapsed_s", "finished") VALUES ('old/confirm', 1, 0, 1, '{"test_ap": 0.45, "val_ap": 0.477286}', 2.2043008357286453e-05, 1795311089.8140256);
INSERT INTO winnow_steps ("study", "number", "attempt", "step", "metrics", "elapsed_s", "finished") VALUES ('old/confirm', 1, 0, 2, '{"test_ap": 0.675, "val_ap": 0.71593}', 2.1602012566290796e-05, 1795311089.816467);
INSERT INTO winnow_steps ("study", "number", "attempt", "step", "metrics", "elapsed_s", "finished") VALUES ('old/confirm', 1, 0, 3, '{"test_ap": 0.7875, "val_ap": 0.835251}', 1.6093996237032115e-05, 1795311089.8184445);
INSERT INTO winnow_steps ("study", "number", "attempt", "step", "metrics", "elapsed_s", "finished") VALUES ('old/confirm', 1, 0, 4, '{"test_ap": 0.84375, "val_ap": 0.894912}', 4.4869957491755486e-06, 1795311089.8184607);
INSERT INTO winnow_steps ("study", "number", "attempt", "step", "metrics", "elapsed_s", "finished") VALUES ('old/confirm', 2, 0, 1, '{"test_ap": 0.45, "val_ap": 0.475}', 2.349400892853737e-05, 1795311089.8356564);
INSERT INTO winnow_steps ("study", "number", "attempt", "step", "metrics", "elapsed_s", "finished") VALUES ('old/confirm', 2, 0, 2, '{"test_ap": 0.675, "val_ap": 0.7125}', 6.951300019863993e-05, 1795311089.838552);
INSERT INTO winnow_steps ("study", "number", "attempt", "step", "metrics", "elapsed_s", "finished") VALUES ('old/confirm', 2, 0, 3, '{"test_ap": 0.7875, "val_ap": 0.83125}', 1.322000753134489e-05, 1795311089.8405325);
INSERT INTO winnow_steps ("study", "number", "attempt", "step", "metrics", "elapsed_s", "finished") VALUES ('old/confirm', 2, 0, 4, '{"test_ap": 0.84375, "val_ap": 0.890625}', 4.246991011314094e-06, 1795311089.840547);
INSERT INTO winnow_steps ("study", "number", "attempt", "step", "metrics", "elapsed_s", "finished") VALUES ('old/confirm', 3, 0, 1, '{"test_ap": 0.45, "val_ap": 0.477286}', 2.108099579345435e-05, 1795311089.8532505);
INSERT INTO winnow_steps ("study", "number", "attempt", "step", "metrics", "elapsed_s", "finished") VALUES ('old/confirm', 3, 0, 2, '{"test_ap": 0.675, "val_ap": 0.71593}', 1.9498998881317675e-05, 1795311089.8555365);
INSERT INTO winnow_steps ("study", "number", "attempt", "step", "metrics", "elapsed_s", "finished") VALUES ('old/confirm', 3, 0, 3, '{"test_ap": 0.7875, "val_ap": 0.835251}', 2.1441999706439674e-05, 1795311089.8581133);
INSERT INTO winnow_steps ("study", "number", "attempt", "step", "metrics", "elapsed_s", "finished") VALUES ('old/confirm', 3, 0, 4, '{"test_ap": 0.84375, "val_ap": 0.894912}', 7.211012416519225e-06, 1795311089.8581367);
INSERT INTO winnow_flags ("study", "number", "kind", "metric", "step", "content") VALUES ('old/search', 0, 'peak_at_end', 'val_ap', 4, '{"stops": false, "value": null, "words": "val_ap is best at the last step: it was still improving"}');
INSERT INTO winnow_flags ("study", "number", "kind", "metric", "step", "content") VALUES ('old/search', 3, 'peak_at_end', 'val_ap', 4, '{"stops": false, "value": null, "words": "val_ap is best at the last step: it was still improving"}');
INSERT INTO winnow_flags ("study", "number", "kind", "metric", "step", "content") VALUES ('old/confirm', 0, 'peak_at_end', 'val_ap', 4, '{"stops": false, "value": null, "words": "val_ap is best at the last step: it was still improving"}');
INSERT INTO winnow_flags ("study", "number", "kind", "metric", "step", "content") VALUES ('old/confirm', 1, 'peak_at_end', 'val_ap', 4, '{"stops": false, "value": null, "words": "val_ap is best at the last step: it was still improving"}');
INSERT INTO winnow_flags ("study", "number", "kind", "metric", "step", "content") VALUES ('old/confirm', 2, 'peak_at_end', 'val_ap', 4, '{"stops": false, "value": null, "words": "val_ap is best at the last step: it was still improving"}');
INSERT INTO winnow_flags ("study", "number", "kind", "metric", "step", "content") VALUES ('old/confirm', 3, 'peak_at_end', 'val_ap', 4, '{"stops": false, "value": null, "words": "val_ap is best at the last step: it was still improving"}');
INSERT INTO winnow_drivers ("study", "host", "pid", "since") VALUES ('old', 'ada', 18563, 1795311089.611323);
