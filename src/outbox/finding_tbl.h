/* SPDX-License-Identifier: Apache-2.0 */
/* What hf_verify() can find: id, name in JSON, is it a problem (else a remark).
 * Names are read by other people's scripts: add at the end, never rename. No include guard. */
HF_FINDING(LINE_DAMAGED,   "line_damaged",   true)
HF_FINDING(OUT_OF_ORDER,   "out_of_order",   true)
HF_FINDING(NUMBERS_GONE,   "numbers_gone",   true)
HF_FINDING(CHAIN_BROKEN,   "chain_broken",   true)
HF_FINDING(HEADER_WRONG,   "header_wrong",   true)
HF_FINDING(FILE_MISSING,   "file_missing",   true)
HF_FINDING(FILE_EMPTY,     "file_empty",     true)
HF_FINDING(ORIGIN_TWICE,   "origin_twice",   true)
HF_FINDING(THUMB_MISSING,  "thumb_missing",  true)
HF_FINDING(CURSOR_WRONG,   "cursor_wrong",   true)
HF_FINDING(TAIL_UNENDED,   "tail_unended",   false)
HF_FINDING(HISTORY_REMOVED, "history_removed", false)
HF_FINDING(EPOCH_CHANGED,  "epoch_changed",  false)
#undef HF_FINDING
