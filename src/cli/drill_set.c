/* SPDX-License-Identifier: Apache-2.0 */
/* Which drills there are: name, what it proves, how long it takes, who may. */
#include "cli/drill.h"

#include "base/auto.h"

#define WORKER(role, index) ((int)HF_ROLE_##role | (index) << 8)

const struct drill_kind drill_kinds[] = {
	{ "crash-keeper", "keeper dies: another follows within 100 ms, no event is lost", 70, false,
	  drill_crash, WORKER(KEEPER, 0) },
	{ "crash-uplink", "uplink dies: the unit goes on, events wait", 70, false, drill_crash,
	  WORKER(UPLINK, 0) },
	{ "crash-respond", "respond dies: tracks and stays come back with it", 70, false,
	  drill_crash, WORKER(RESPOND, 0) },
	{ "crash-infer", "a detector dies: the other goes on, it comes back", 70, false,
	  drill_crash, WORKER(INFER, 0) },
	{ "crash-ingest", "the reader of a source dies: another reads on", 70, false, drill_crash,
	  WORKER(INGEST, 0) },
	{ "hang-keeper", "keeper hangs: noticed within 2 s, killed, replaced", 70, false,
	  drill_hang, WORKER(KEEPER, 0) },
	{ "hang-uplink", "uplink hangs: the same", 70, false, drill_hang, WORKER(UPLINK, 0) },
	{ "hang-respond", "respond hangs: the same", 70, false, drill_hang, WORKER(RESPOND, 0) },
	{ "hang-infer", "a detector hangs: the same", 70, false, drill_hang, WORKER(INFER, 0) },
	{ "hang-ingest", "the reader of a source hangs: the same", 70, false, drill_hang,
	  WORKER(INGEST, 0) },
	{ "crash-loop", "a worker dies whenever it runs: up the ladder, safe mode, an operator",
	  500, false, drill_crash_loop, 0 },
	{ "garbage", "a worker talks nonsense: it is replaced, nobody else is touched", 60, false,
	  drill_garbage, 0 },
	{ "supervisor-stopped", "holdfastd stopped for 3 s: it blames nobody for it", 30, false,
	  drill_supervisor_stopped, 0 },
	{ "supervisor-killed", "holdfastd killed: nobody lives on, the next start knows", 40, false,
	  drill_supervisor_killed, 0 },
	{ "everything-killed", "all killed at once: a latch survives", 40, false,
	  drill_everything_killed, 0 },
	{ "disk-full", "the disk is full: degraded, no restart, all events there afterwards", 110,
	  true, drill_disk_full, 0 },
	{ "read-only", "the disk becomes read-only: said so, no restart, whole after a boot", 90,
	  true, drill_read_only, 0 },
	{ "clock-hour-on", "the clock is set an hour on, and back: told, nothing is done", 120,
	  false, drill_clock, 0 },
	{ "clock-hour-back", "an hour back: the same", 120, false, drill_clock, 1 },
	{ "clock-year-on", "a year on: the same", 120, false, drill_clock, 2 },
	{ "clock-year-back", "a year back: the same", 120, false, drill_clock, 3 },
	{ "cpu-starved", "no processor time: slower, never restarted for it, never safe mode", 150,
	  true, drill_cpu, 0 },
	{ "memory-limit", "a detector gets no more memory: the smaller model, or a new one", 150,
	  true, drill_memory, 0 },
	{ "wan-gone", "no hub to be reached: recorded, and changes nothing", 35, false,
	  drill_wan_gone, 0 },
	{ "cluster-crash-disk-full", "a detector dies on a full disk: both are seen", 100, true,
	  drill_cluster_crash_full, 0 },
	{ "cluster-hang-crash", "ingest hangs and keeper dies: both are seen", 75, false,
	  drill_cluster_hang_crash, 0 },
};

const size_t drill_kind_count = HF_ARRAY_LEN(drill_kinds);
