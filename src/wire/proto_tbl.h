/* SPDX-License-Identifier: Apache-2.0 */
/* Every message between our processes: id, name, who may send it, body.
 * A message that is not in this table, or from a role that is not named, is
 * refused before its body is looked at. No include guard. */
/*      id           name           from                              body                              */
HF_MSG(HELLO,       "hello",       HF_FROM(SUPERVISOR),               "struct hf_hello; fds: config memfd, pulse memfd")
HF_MSG(PLUG,        "plug",        HF_FROM(SUPERVISOR),               "struct hf_plug; fds: link, and for jobs and scene the pixel ring")
HF_MSG(START,       "start",       HF_FROM(SUPERVISOR),               "empty: every link is plugged")
HF_MSG(UNIT,        "unit",        HF_FROM(SUPERVISOR),               "struct hf_unit: the state, or how to work, changed")
HF_MSG(RESTORE,     "restore",     HF_FROM(SUPERVISOR),               "bytes: what SAVE held last, before START")
HF_MSG(READY,       "ready",       HF_FROM_ANY_WORKER,                "empty: able to work")
HF_MSG(STATS,       "stats",       HF_FROM_ANY_WORKER,                "one JSON object, text")
HF_MSG(SIGNALS,     "signals",     HF_FROM_ANY_WORKER,                "struct hf_signals, cut to its count: what it sees")
HF_MSG(SAVE,        "save",        HF_FROM(RESPOND),                  "bytes, opaque: handed back after a restart")
HF_MSG(NOTE,        "note",        HF_FROM_ANY_WORKER,                "struct hf_note: something that must become an event of the unit")
HF_MSG(CONDEMN,     "condemn",     HF_FROM_ANY_WORKER,                "struct hf_condemn: a peer broke the contract and has lost its link")
HF_MSG(USB_RESET,   "usb_reset",   HF_FROM(INGEST),                   "empty: its device stays silent; take it off the USB and on again")
HF_MSG(JOB,         "job",         HF_FROM(INGEST),                   "struct hf_job, to infer")
HF_MSG(DONE,        "done",        HF_FROM(INFER),                    "struct hf_done, to ingest: a place is free")
HF_MSG(RESULT,      "result",      HF_FROM(INFER),                    "struct hf_result without the unused detections, to respond")
HF_MSG(TICK,        "tick",        HF_FROM(INGEST),                   "struct hf_tick, to respond")
HF_MSG(TAKEN,       "taken",       HF_FROM(RESPOND),                  "struct hf_taken, in lockstep, to ingest or infer: its tick or result is done with")
HF_MSG(OFFER,       "offer",       HF_FROM(RESPOND) | HF_FROM(SUPERVISOR), "struct hf_offer as hf_offer_pack() makes it, to keeper")
HF_MSG(ACK,         "ack",         HF_FROM(KEEPER),                   "struct hf_ack, to the producer")
HF_MSG(COMMITTED,   "committed",   HF_FROM(KEEPER),                   "struct hf_committed, to uplink: look at the watermark")
HF_MSG(CURSOR,      "cursor",      HF_FROM(UPLINK),                   "struct hf_cursor_note, to keeper: flushed cursor")
HF_MSG(REPLAY,      "replay",      HF_FROM(SUPERVISOR),               "struct hf_replay, to uplink: send these events again")
HF_MSG(FORK,        "fork",        HF_FROM(UPLINK),                   "struct hf_fork_note, to keeper: the hub has another history under this epoch")
HF_MSG(FORKED,      "forked",      HF_FROM(KEEPER),                   "empty, to uplink: read meta/forks anew")
HF_MSG(CTL_STATUS,  "ctl_status",  HF_FROM(CTL),                      "empty")
HF_MSG(CTL_REPLAY,  "ctl_replay",  HF_FROM(CTL),                      "struct hf_replay")
HF_MSG(CTL_ANSWER,  "ctl_answer",  HF_FROM(SUPERVISOR),               "u32 exit code, then one JSON object, text")
#undef HF_MSG
