/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * store_sqlite - the store in one SQLite file, hub.db.
 *
 * Shape       Table lines: one row a line, text as the unit wrote it, rows in the order of arrival.
 *             Table runs: which numbers of a stream lie in which rows, an entry a request; the file
 *             itself refuses to give a number twice. Tables streams (each device and epoch, with its
 *             mark) and gaps (the numbers that never came). The view events names device, epoch,
 *             number and time with each line. Anyone may read it with sqlite3 while the hub runs.
 *
 *             A file of an older version is brought up to date when it is opened, in one
 *             transaction; there is no way back. That takes three times the file's size on the
 *             disk for a while.
 *
 * Durability  WAL with synchronous=FULL. On opening, what an earlier run left in the log is
 *             written into the database and the log is begun anew: after an I/O error no new
 *             commit is laid on top of a log whose bytes may only be in memory.
 *
 * Owners      One process: the caller holds the folder's lock. One thread at a time in it: the first
 *             store that is opened settles SQLite for that, for the whole process.
 *
 * Errors      HF_E_INVALID: the file is of another program or of a newer version of this one.
 *             HF_E_CORRUPT: it does not verify. HF_E_DENIED, HF_E_NOSPACE, HF_E_IO as the disk says.
 *
 * Limits      A file of up to CHECK_BYTES_MAX (64 MiB) is checked as a whole when opened; a
 *             larger one only where it is read.
 */
#include "hub/store.h"

enum hf_code hf_store_sqlite_open(const char *path, struct hf_store **ret_store,
				  struct hf_err *err) HF_MUST_CHECK;
