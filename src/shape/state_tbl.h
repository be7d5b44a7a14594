/* SPDX-License-Identifier: Apache-2.0 */
/* The operational states: enum, name on disk and on the wire, and what an
 * operator may rely on. Included several times; no include guard. Names are
 * stored in events and bundles: add at the end, never rename. */
HF_STATE(HEALTHY,     "healthy",     "full model, full rate, all decisions allowed")
HF_STATE(DEGRADED,    "degraded",    "works in part: the reasons say what is missing")
HF_STATE(RECOVERING,  "recovering",  "an action is running; decisions in its scope are held back")
HF_STATE(SAFE_MODE,   "safe_mode",   "observe and record only; the operator is alerted")
HF_STATE(ROLLED_BACK, "rolled_back", "the previous release is active and waits for an operator")
#undef HF_STATE
