/* SPDX-License-Identifier: Apache-2.0 */
/* What is watched of a unit: id, name in a policy and in a trace, whose it is, unit of its
 * value, help. Values are whole numbers. Names are stored in traces: add at the end of a
 * group, never rename. Included several times; no include guard.
 *
 * Whose      UNIT (one), WORKER (one of each child of the supervisor), SOURCE, CAMERA
 * Unit       MS, COUNT, PERMILLE, FLAG (0 or 1), CELSIUS */
/*        id               name                     whose    unit      help                              */
HF_SIGNAL(WORKER_DOWN,     "worker.down",           WORKER,  FLAG,     "it ended or was killed, and does not run")
HF_SIGNAL(WORKER_STARTING, "worker.starting",       WORKER,  FLAG,     "it runs and has not yet said that it is ready")
HF_SIGNAL(WORKER_STUCK,    "worker.stuck",          WORKER,  FLAG,     "killed, and does not end: it hangs in the kernel")
HF_SIGNAL(WORKER_OVERDUE,  "worker.overdue",        WORKER,  MS,       "silent for so much longer than the heartbeat, or the busy time it announced, allows")
HF_SIGNAL(WORKER_PROGRESS, "worker.progress_age",   WORKER,  MS,       "since it last finished a piece of the work that it has")
HF_SIGNAL(WORKER_CRASHES,  "worker.crashes",        WORKER,  COUNT,    "how often it ended by itself within 10 minutes")
HF_SIGNAL(WORKER_HOSTILE,  "worker.hostile",        WORKER,  COUNT,    "messages of it that broke the contract, within 10 minutes")
HF_SIGNAL(SOURCE_FRAME,    "source.frame_age",      SOURCE,  MS,       "since the last picture of the source")
HF_SIGNAL(CAMERA_FRAME,    "camera.frame_age",      CAMERA,  MS,       "since the last picture of the camera that was not a missing signal")
HF_SIGNAL(CAMERA_DROPS,    "camera.drop_ratio",     CAMERA,  PERMILLE, "pictures that were due and did not come, of those due")
HF_SIGNAL(CAMERA_SKEW,     "camera.skew",           CAMERA,  MS,       "time stamps against their arrival")
HF_SIGNAL(CAMERA_FROZEN,   "camera.frozen",         CAMERA,  MS,       "for how long its picture is without its own noise, while others go on")
HF_SIGNAL(CAMERAS_LOST,    "unit.cameras_lost",     UNIT,    PERMILLE, "cameras without a picture for more than 5 s, of all")
HF_SIGNAL(INFER_OOM,       "infer.out_of_memory",   UNIT,    COUNT,    "allocations that failed in a detector, within 10 minutes")
HF_SIGNAL(INFER_ERRORS,    "infer.device_errors",   UNIT,    COUNT,    "fatal errors of the accelerator, within 10 minutes")
HF_SIGNAL(INFER_P99,       "infer.p99",             UNIT,    PERMILLE, "99th percentile from picture to result, of the objective latency.objective")
HF_SIGNAL(INFER_GOLDEN,    "infer.golden_mismatch", UNIT,    COUNT,    "known pictures whose result was wrong, in a row")
HF_SIGNAL(INFER_NAN,       "infer.not_a_number",    UNIT,    COUNT,    "results that held no number, within 10 minutes")
HF_SIGNAL(INFER_DRIFT,     "infer.score_drift",     UNIT,    PERMILLE, "how far the scores of what is found moved from their baseline")
HF_SIGNAL(INPUT_AGE,       "unit.input_age",        UNIT,    MS,       "age of the picture the latest output is based on, beyond what is allowed")
HF_SIGNAL(MODEL_INVALID,   "model.invalid",         UNIT,    FLAG,     "the model pack does not load or does not verify")
HF_SIGNAL(POLICY_INVALID,  "policy.invalid",        UNIT,    FLAG,     "the policy in the file was refused; the last good one is in force")
HF_SIGNAL(DISK_FREE,       "disk.free",             UNIT,    PERMILLE, "space of the data folder's file system that is free")
HF_SIGNAL(DISK_INODES,     "disk.inodes_free",      UNIT,    PERMILLE, "inodes of it that are free")
HF_SIGNAL(OUTBOX_FULL,     "outbox.full",           UNIT,    FLAG,     "events cannot be stored for want of room")
HF_SIGNAL(MEMORY_PRESSURE, "memory.pressure",       UNIT,    PERMILLE, "time in which everybody waited for memory, over 10 s")
HF_SIGNAL(CPU_PRESSURE,    "cpu.pressure",          UNIT,    PERMILLE, "time in which somebody waited for a processor, over 10 s")
HF_SIGNAL(TEMPERATURE,     "unit.temperature",      UNIT,    CELSIUS,  "the warmest thermal zone")
HF_SIGNAL(DISK_READ_ONLY,  "disk.read_only",        UNIT,    FLAG,     "the data folder cannot be written")
HF_SIGNAL(OUTBOX_FAILED,   "outbox.failed",         UNIT,    FLAG,     "the medium answered with an error")
HF_SIGNAL(UNCLEAN_STARTS,  "unit.unclean_starts",   UNIT,    COUNT,    "starts after a stop that was not clean, within 30 minutes of powered-on time")
HF_SIGNAL(CLOCK_STEP,      "clock.step",            UNIT,    MS,       "by how much the wall clock jumped, within the last minute")
HF_SIGNAL(STATE_LOST,      "state.lost",            UNIT,    FLAG,     "neither copy of the device state could be read")
HF_SIGNAL(OUTBOX_AGE,      "link.outbox_age",       UNIT,    MS,       "age of the oldest event that is not delivered")
HF_SIGNAL(OUTBOX_DEPTH,    "link.outbox_depth",     UNIT,    COUNT,    "events that are not delivered")
HF_SIGNAL(RELEASE_DENIED,  "release.denied",        UNIT,    FLAG,     "the release that runs was rolled back before")
HF_SIGNAL(RELEASE_GATE,    "release.gate_failed",   UNIT,    FLAG,     "the release on trial did not pass its gate in time")
HF_SIGNAL(ACTUATION_FAILED,"actuation.failed",      UNIT,    FLAG,     "the output of the unit could not be switched")
#undef HF_SIGNAL
