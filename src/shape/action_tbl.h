/* SPDX-License-Identifier: Apache-2.0 */
/* What a unit can do about itself: id, name in a policy and in events, kind, what it is about
 * at the least, impact (the higher, the more it costs), what it destroys, help.
 * Names are stored in events and in the device state: add at the end, never rename.
 * Included several times; no include guard.
 *
 * Kind       MODE: holds until its reason is over; ONCE: is done, then verified.
 * Destroys   bits of enum hf_destroys. */
/*        id                name                 kind  scope   impact destroys                       help                                   */
HF_ACTION(HOLD_CAMERA,     "hold_camera",        MODE, CAMERA,   5, 0,                               "nothing is decided from the pictures of this camera; its events are still stored")
HF_ACTION(SHED,            "shed",               MODE, UNIT,    10, 0,                               "fewer looks a second, cameras of low priority first")
HF_ACTION(RESTART_WORKER,  "restart_worker",     ONCE, WORKER,  20, HF_DESTROYS_PROCESS,             "end the worker, if it still runs, and start another")
HF_ACTION(RETRY_WORKER,    "retry_worker",       ONCE, WORKER,  21, HF_DESTROYS_PROCESS,             "the same, in a unit in safe mode: so that it still records what it can")
HF_ACTION(RESTART_GROUP,   "restart_group",      ONCE, UNIT,    35, HF_DESTROYS_PROCESS,             "restart those that see (ingest, infer, respond) into a fresh generation")
HF_ACTION(FALLBACK_MODEL,  "fallback_model",     MODE, UNIT,    40, 0,                               "the smaller model of the pack")
HF_ACTION(RESET_DEVICE,    "reset_accelerator",  ONCE, UNIT,    50, HF_DESTROYS_PROCESS | HF_DESTROYS_DEVICE, "reset the accelerator")
HF_ACTION(RESTART_ALL,     "restart_all",        ONCE, UNIT,    55, HF_DESTROYS_PROCESS,             "restart every worker into a fresh generation")
HF_ACTION(REBOOT,          "reboot",             ONCE, UNIT,    71, HF_DESTROYS_PROCESS | HF_DESTROYS_DEVICE, "restart the machine")
HF_ACTION(ROLLBACK,        "rollback_release",   ONCE, UNIT,    80, HF_DESTROYS_PROCESS | HF_DESTROYS_DEVICE, "go back to the release before this one, which is denied from then on")
HF_ACTION(SAFE_MODE,       "safe_mode",          MODE, UNIT,    90, 0,                               "observe and record only, and call the operator; latched")
HF_ACTION(ROLLBACK_SYSTEM, "rollback_system",    ONCE, UNIT,    95, HF_DESTROYS_PROCESS | HF_DESTROYS_DEVICE, "go back to the system image before this one")
#undef HF_ACTION
