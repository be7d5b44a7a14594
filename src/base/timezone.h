/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * timezone - IANA zone names, and the C library's conversion under one of them.
 *
 * Shape       Names as in the machine's time zone database: Europe/Berlin,
 *             America/Argentina/Salta, Etc/GMT+5, UTC. Parts of letters,
 *             digits, "_", "+" and "-": no dot, so no name leads out of the
 *             database's folder. "right/..." counts leap seconds, which no
 *             clock here does, and is refused. The folder is TZDIR from the
 *             environment, as for the C library, or /usr/share/zoneinfo.
 *
 * Owners      hf_timezone_use() changes what localtime_r() does in the whole
 *             process: one call, at its start, before threads and before a
 *             sandbox hides the folder. A machine whose own zone is changed
 *             later is followed at the next start.
 *
 * Errors      HF_E_INVALID: this can be no zone's name. HF_E_NOENT: the
 *             database does not know it; the text names the nearest one it
 *             knows. HF_E_AGAIN: there is no database to ask (package tzdata).
 *             The C library itself would take UTC for all three and say nothing.
 */
#include "base/err.h"

enum {
	HF_TIMEZONE_BYTES = 64,
};

enum hf_code hf_timezone_check(const char *name, struct hf_err *err) HF_MUST_CHECK;

/* "": the machine's, /etc/localtime, or UTC where that is not there. After an error
 * localtime_r() is at UTC. */
enum hf_code hf_timezone_use(const char *name, struct hf_err *err) HF_MUST_CHECK;
