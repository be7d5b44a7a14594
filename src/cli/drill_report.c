/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One page to hand on: it needs nothing but itself. A table of all drills, then a timeline of
 * each: faults, states, reasons, actions and processes over the seconds since the first fault.
 */
#include "cli/drill.h"

#include "base/auto.h"
#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/utsname.h>

enum {
	WIDTH = 1080,
	LEFT = 90, /* names of the lanes */
	RIGHT = 20,
	ROW = 17,
	TEXT_WIDTH = 7, /* of a character, about */
	ROWS_MAX = 24,
	BEFORE_MS = 2000,
};

static const char style[] =
	"body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1120px;padding:0 1rem;"
	"color:#1a1d21;background:#fff}h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;"
	"margin:2.2rem 0 .2rem;border-top:1px solid #d8dce1;padding-top:1rem}"
	"table{border-collapse:collapse;width:100%;margin:.6rem 0}td,th{text-align:left;"
	"padding:.25rem .6rem;border-bottom:1px solid #e4e7eb;vertical-align:top}"
	"th{font-weight:600;color:#4a525c}.ok{color:#0b6b3a;font-weight:600}"
	".FAILED{color:#b3261e;font-weight:600}.skipped{color:#7a5b00;font-weight:600}"
	".missed{color:#9a5b00;font-weight:600}p{margin:.3rem 0}.small{color:#4a525c;"
	"font-size:.9rem}svg{width:100%;height:auto;display:block}svg text{font:11px "
	"system-ui,sans-serif;fill:#1a1d21}svg .lane{fill:#4a525c;font-weight:600}"
	"svg .axis{fill:#5b6470}@media(prefers-color-scheme:dark){body{background:#14171a;"
	"color:#e6e8ea}svg text{fill:#e6e8ea}svg .lane,svg .axis,.small,th{fill:#a9b1ba;"
	"color:#a9b1ba}td,th{border-color:#2c3238}h2{border-color:#2c3238}.ok{color:#5fd08f}"
	".FAILED{color:#ff8a80}.skipped,.missed{color:#e5b94e}}";

static const char *const verdicts[] = { "ok", "FAILED", "skipped" };

static void put(FILE *file, const char *text)
{
	for (; *text != '\0'; text++)
		switch (*text) {
		case '<':
			(void)fputs("&lt;", file);
			break;
		case '>':
			(void)fputs("&gt;", file);
			break;
		case '&':
			(void)fputs("&amp;", file);
			break;
		case '"':
			(void)fputs("&quot;", file);
			break;
		default:
			(void)fputc(*text, file);
		}
}

/* ---- the timeline ---- */

struct scale {
	int64_t from_ms, to_ms;
};

static double x_of(const struct scale *scale, int64_t mono_ms)
{
	double share = (double)(mono_ms - scale->from_ms) / (double)(scale->to_ms - scale->from_ms);

	share = share < 0 ? 0 : share > 1 ? 1 : share;
	return LEFT + share * (WIDTH - LEFT - RIGHT);
}

static const char *colour_of(enum drill_fact_kind kind, const char *text)
{
	if (kind == DRILL_STATE)
		return strcmp(text, "healthy") == 0      ? "#1f9d5b"
		       : strcmp(text, "degraded") == 0   ? "#d99a1c"
		       : strcmp(text, "recovering") == 0 ? "#3b7dd8"
							 : "#c4372c";
	static const char *const colours[] = { "#c4372c", "", "#b07a12", "#3b7dd8", "#77808a" };
	return colours[kind];
}

/* The first row in which there is room from x on; each has to be read. */
static unsigned row_for(double ends[ROWS_MAX], double from, double to)
{
	for (unsigned i = 0; i < ROWS_MAX; i++)
		if (ends[i] <= from) {
			ends[i] = to;
			return i;
		}
	return ROWS_MAX - 1;
}

static void put_fact(FILE *file, const struct scale *scale, const struct drill_fact *fact,
		     double top, unsigned row)
{
	double x = x_of(scale, fact->mono_ms), x2 = x_of(scale, fact->until_ms);
	double y = top + row * ROW;
	double bytes = (double)strlen(fact->text) * TEXT_WIDTH;
	bool left = x + 8 + bytes > WIDTH;

	(void)fprintf(
		file,
		"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"10\" rx=\"2\" fill=\"%s\"", x,
		y, x2 - x > 3 ? x2 - x : 3, colour_of(fact->kind, fact->text));
	(void)fprintf(file, "%s><title>", x2 - x > 3 ? " opacity=\"0.55\"" : "");
	put(file, fact->text);
	(void)fprintf(file, "</title></rect><text x=\"%.1f\" y=\"%.1f\"%s>", left ? x - 4 : x + 6,
		      y + 9, left ? " text-anchor=\"end\"" : "");
	put(file, fact->text);
	(void)fputs("</text>", file);
}

static unsigned put_lane(FILE *file, const struct scale *scale, const struct drill *drill,
			 enum drill_fact_kind kind, double top, bool draw)
{
	double ends[ROWS_MAX] = { 0 };
	unsigned rows = 0;

	for (uint32_t i = 0; i < drill->fact_count; i++) {
		const struct drill_fact *fact = &drill->facts[i];
		double x = x_of(scale, fact->mono_ms), x2 = x_of(scale, fact->until_ms);
		double width = (double)strlen(fact->text) * TEXT_WIDTH + 14;
		bool left = x + width > WIDTH;

		if (fact->kind != kind || fact->until_ms < drill->fault_ms)
			continue;
		double to = left ? WIDTH : x + width > x2 ? x + width : x2;
		unsigned row = row_for(ends, left ? x - width : x, to);
		rows = row + 1 > rows ? row + 1 : rows;
		if (draw)
			put_fact(file, scale, fact, top, row);
	}
	return rows;
}

/* States fill their lane: each until the next. */
static void put_states(FILE *file, const struct scale *scale, const struct drill *drill, double top)
{
	const struct drill_fact *last = NULL;

	for (uint32_t i = 0; i <= drill->fact_count; i++) {
		const struct drill_fact *fact = i < drill->fact_count ? &drill->facts[i] : NULL;

		if (fact != NULL && fact->kind != DRILL_STATE)
			continue;
		if (last != NULL) {
			double x = x_of(scale, last->mono_ms);
			double x2 = x_of(scale, fact != NULL ? fact->mono_ms : scale->to_ms);

			(void)fprintf(file,
				      "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"16\" "
				      "fill=\"%s\"><title>%s</title></rect>",
				      x, top, x2 - x, colour_of(DRILL_STATE, last->text),
				      last->text);
			if (x2 - x > (double)strlen(last->text) * TEXT_WIDTH + 8)
				(void)fprintf(file,
					      "<text x=\"%.1f\" y=\"%.1f\" "
					      "style=\"fill:#fff\">%s</text>",
					      x + 5, top + 12, last->text);
		}
		last = fact;
	}
}

static void put_axis(FILE *file, const struct scale *scale, const struct drill *drill,
		     double bottom)
{
	static const int64_t steps_ms[] = { 1000, 2000, 5000, 10000, 20000, 30000, 60000, 120000 };
	int64_t step_ms = steps_ms[HF_ARRAY_LEN(steps_ms) - 1];

	for (size_t i = HF_ARRAY_LEN(steps_ms); i-- > 0;)
		if ((scale->to_ms - scale->from_ms) / steps_ms[i] <= 16)
			step_ms = steps_ms[i];
	for (int64_t ms = 0; drill->fault_ms + ms <= scale->to_ms; ms += step_ms) {
		double x = x_of(scale, drill->fault_ms + ms);

		(void)fprintf(
			file,
			"<line x1=\"%.1f\" x2=\"%.1f\" y1=\"4\" y2=\"%.1f\" stroke=\"#8a929c\" "
			"stroke-opacity=\"0.25\"/><text class=\"axis\" x=\"%.1f\" y=\"%.1f\" "
			"text-anchor=\"middle\">%" PRId64 " s</text>",
			x, x, bottom, x, bottom + 13, ms / 1000);
	}
}

static void put_timeline(FILE *file, const struct drill *drill)
{
	static const struct {
		enum drill_fact_kind kind;
		const char *name;
	} lanes[] = { { DRILL_FAULT, "fault" },
		      { DRILL_STATE, "state" },
		      { DRILL_REASON, "reason" },
		      { DRILL_ACTION, "action" },
		      { DRILL_PROCESS, "process" } };
	const struct scale scale = { .from_ms = drill->fault_ms - BEFORE_MS,
				     .to_ms = drill->ended_ms > drill->fault_ms
						      ? drill->ended_ms
						      : drill->fault_ms + 1000 };
	double tops[HF_ARRAY_LEN(lanes) + 1] = { 8 };

	for (size_t i = 0; i < HF_ARRAY_LEN(lanes); i++) {
		unsigned rows = lanes[i].kind == DRILL_STATE
					? 1
					: put_lane(file, &scale, drill, lanes[i].kind, 0, false);

		tops[i + 1] = tops[i] + (rows > 0 ? rows : 1) * ROW + 8;
	}
	double bottom = tops[HF_ARRAY_LEN(lanes)];
	(void)fprintf(file, "<svg viewBox=\"0 0 %d %.0f\" role=\"img\" aria-label=\"timeline of ",
		      WIDTH, bottom + 20);
	put(file, drill->kind->name);
	(void)fputs("\">", file);
	put_axis(file, &scale, drill, bottom);
	for (size_t i = 0; i < HF_ARRAY_LEN(lanes); i++) {
		(void)fprintf(file, "<text class=\"lane\" x=\"0\" y=\"%.1f\">%s</text>",
			      tops[i] + 10, lanes[i].name);
		if (lanes[i].kind == DRILL_STATE)
			put_states(file, &scale, drill, tops[i]);
		else
			(void)put_lane(file, &scale, drill, lanes[i].kind, tops[i], true);
	}
	(void)fputs("</svg>\n", file);
}

/* ---- the rest of it ---- */

static void put_bounds(FILE *file, const struct drill *drill)
{
	if (drill->bound_count == 0)
		return;
	(void)fputs("<table><tr><th>what</th><th>measured</th><th>promised</th><th></th></tr>\n",
		    file);
	for (uint32_t i = 0; i < drill->bound_count; i++) {
		const struct drill_bound *bound = &drill->bounds[i];
		bool reached = drill_is_reached(bound);

		(void)fputs("<tr><td>", file);
		put(file, bound->what);
		if (bound->measured < 0)
			(void)fputs("</td><td>did not happen</td>", file);
		else
			(void)fprintf(file, "</td><td>%" PRId64 " %s</td>", bound->measured,
				      bound->unit);
		(void)fprintf(file, "<td>%" PRId64 " %s</td><td class=\"%s\">%s</td></tr>\n",
			      bound->promised, bound->unit, reached ? "ok" : "missed",
			      reached ? "reached" : "missed");
	}
	(void)fputs("</table>\n", file);
}

static void put_drill(FILE *file, const struct drill *drill)
{
	(void)fprintf(file, "<h2 id=\"%s\">%s: <span class=\"%s\">%s</span></h2>\n<p>",
		      drill->kind->name, drill->kind->name, verdicts[drill->verdict],
		      verdicts[drill->verdict]);
	put(file, drill->kind->about);
	(void)fputs("</p>\n<p class=\"small\">", file);
	put(file, drill->done);
	if (drill->path[0] != '\0') {
		(void)fputs("<br>states: ", file);
		put(file, drill->path);
	}
	if (drill->why[0] != '\0') {
		(void)fputs("<br>", file);
		put(file, drill->why);
	}
	(void)fputs("</p>\n", file);
	put_bounds(file, drill);
	if (drill->fault_ms != 0)
		put_timeline(file, drill);
}

static void put_overview(FILE *file, const struct drill *const *drills, size_t count)
{
	(void)fputs("<table><tr><th>drill</th><th>what was done</th><th>states</th><th>promises "
		    "reached</th><th></th></tr>\n",
		    file);
	for (size_t i = 0; i < count; i++) {
		const struct drill *drill = drills[i];
		uint32_t reached = 0;

		for (uint32_t b = 0; b < drill->bound_count; b++)
			reached += drill_is_reached(&drill->bounds[b]);
		(void)fprintf(file, "<tr><td><a href=\"#%s\">%s</a></td><td>", drill->kind->name,
			      drill->kind->name);
		put(file, drill->done);
		(void)fputs("</td><td>", file);
		put(file, drill->path);
		(void)fprintf(file, "</td><td>%u of %u</td><td class=\"%s\">%s</td></tr>\n",
			      reached, drill->bound_count, verdicts[drill->verdict],
			      verdicts[drill->verdict]);
	}
	(void)fputs("</table>\n", file);
}

enum hf_code drill_report_write(const char *path, const struct drill *const *drills, size_t count,
				struct hf_err *err)
{
	FILE *file = fopen(path, "we");
	char now[HF_WALL_TEXT_BYTES];
	struct utsname machine = { 0 };

	if (file == NULL)
		return hf_fail_errno(err, "create %s", path);
	hf_wall_text(hf_wall_now(hf_clock_real()), now);
	(void)uname(&machine);
	(void)fprintf(
		file,
		"<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta "
		"name=\"viewport\" content=\"width=device-width\"><title>holdfast "
		"drills</title><style>%s</style>\n<h1>Drills</h1>\n<p class=\"small\">holdfast "
		"%s on ",
		style, HF_VERSION);
	put(file, machine.nodename);
	(void)fprintf(file,
		      " (%s %s), %s. Each drill has a unit of its own, a real fault, and three "
		      "witnesses: the events on disk, the control socket, /proc.</p>\n",
		      machine.sysname, machine.machine, now);
	put_overview(file, drills, count);
	for (size_t i = 0; i < count; i++)
		put_drill(file, drills[i]);
	(void)fputs("</html>\n", file);
	bool failed = ferror(file) != 0;
	failed = fclose(file) != 0 || failed;
	return failed ? hf_fail(err, HF_E_IO, "write %s", path) : HF_OK;
}
