/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs' tables; the parser and everything that explains a verb are made from them. */
#include "cli/command.h"

#include "base/auto.h"
#include "cli/cli.h"

#include <string.h>

#define FORMS(list)   .forms = (list), .form_count = HF_ARRAY_LEN(list)
#define OPTIONS(list) .options = (list), .option_count = HF_ARRAY_LEN(list)
#define EXITS(list)   .exits = (list), .exit_count = HF_ARRAY_LEN(list)

/* setup */

static const struct hf_form setup_forms[] = {
	{ NULL, "SOURCE", HF_OFFERS_FILES, 1, 1, NULL },
};
static const struct hf_option setup_options[] = {
	{ "--for", "SECONDS", HF_OFFERS_NOTHING, NULL, "how long to look, 2 to 600 (10)" },
	{ "--layout", "1x1|2x2|3x3|4x4", HF_OFFERS_CHOICES, NULL, "instead of recognising it" },
	{ "--out", "FILE", HF_OFFERS_FILES, NULL, "the configuration (site.yaml)" },
	{ "--picture", "FILE", HF_OFFERS_FILES, NULL,
	  "the picture, a PNG (the name of --out with .png)" },
	{ "--force", NULL, HF_OFFERS_NOTHING, NULL, "replace files that are there already" },
};
static const char *const setup_examples[] = {
	"holdfast setup /dev/video0",
	"site.yaml and site.png, from what the grabber shows",
	"holdfast setup --for 30 --out gate.yaml rtsp://10.0.0.20/stream1",
	"a network camera, looked at for half a minute",
	NULL,
};
static const struct hf_exit_meaning setup_exits[] = {
	{ HF_EXIT_OK, "both files were written" },
	{ HF_EXIT_FAILED, "they were not" },
	{ HF_EXIT_USAGE, "the command was wrong" },
};

/* config */

static const struct hf_form config_forms[] = {
	{ "check", "[FILE]", HF_OFFERS_FILES, 0, 1,
	  "finds every mistake, with line and column, and what was probably meant" },
	{ "show", "[FILE]", HF_OFFERS_FILES, 0, 1,
	  "the settings in effect, and where each comes from; passwords are hidden" },
	{ "example", NULL, HF_OFFERS_NOTHING, 0, 0,
	  "prints a file to begin with: every setting, its default, range and meaning" },
	{ "schema", NULL, HF_OFFERS_NOTHING, 0, 0,
	  "prints a JSON Schema, with which editors complete and check while you type" },
};
static const struct hf_option config_options[] = {
	{ "--json", NULL, HF_OFFERS_NOTHING, "check show", "one JSON object on standard output" },
};
static const char *const config_examples[] = {
	"holdfast config example > site.yaml",
	"begin a configuration",
	"holdfast config check site.yaml",
	"before the unit is started with it",
	"holdfast config show --json | jq .unit",
	"what is in effect, for a script",
	"holdfast config schema > holdfast.schema.json",
	"for an editor: the example says how",
	NULL,
};
static const struct hf_exit_meaning config_exits[] = {
	{ HF_EXIT_OK, "the file is good (there may be warnings), or was printed" },
	{ HF_EXIT_FAILED, "the file has a mistake or cannot be read" },
	{ HF_EXIT_USAGE, "the command was wrong" },
};

/* policy */

static const struct hf_form policy_forms[] = {
	{ "check", "FILE", HF_OFFERS_FILES, 1, 1,
	  "finds every mistake, with line and column, why it matters and what to do" },
	{ "explain", "REASON", HF_OFFERS_NOTHING, 1, 1,
	  "one reason in sentences: when, for how long, what is done in which order and how often, "
	  "what clears it" },
	{ "table", NULL, HF_OFFERS_NOTHING, 0, 0,
	  "all reasons, what each class leads to in each state, and all actions" },
	{ "simulate", "TRACE", HF_OFFERS_FILES, 1, 1,
	  "what it would have decided on the signals that a unit recorded (RUN/trace.jsonl); with "
	  "--against, what another policy would have decided otherwise" },
	{ "signals", NULL, HF_OFFERS_NOTHING, 0, 0,
	  "what is watched: name, whose it is, unit, meaning" },
	{ "reload", NULL, HF_OFFERS_NOTHING, 0, 0,
	  "has the running unit read its policy again; one that is refused changes nothing, and "
	  "holdfast why says so" },
	{ "example", NULL, HF_OFFERS_NOTHING, 0, 0,
	  "prints the default policy, with comments: a file to begin with" },
};
static const struct hf_option policy_options[] = {
	{ "--policy", "FILE", HF_OFFERS_FILES, "explain table simulate",
	  "another policy than the one that comes with this build" },
	{ "--against", "FILE", HF_OFFERS_FILES, "simulate",
	  "a second policy: show only what the two decide differently" },
	{ "--markdown", NULL, HF_OFFERS_NOTHING, "table", "for a document" },
	{ "--data", "DIR", HF_OFFERS_FOLDERS, "reload",
	  "the unit's data folder (" HF_DATA_PATH ")" },
	{ "--run", "DIR", HF_OFFERS_FOLDERS, "reload",
	  "the folder of its control socket, when it is not DATA/run" },
	{ "--json", NULL, HF_OFFERS_NOTHING, "check explain table simulate signals reload",
	  "JSON on standard output: one object, or a line a decision" },
};
static const char *const policy_examples[] = {
	"holdfast policy explain camera_lost",
	"what happens when a camera is lost",
	"holdfast policy example > site-policy.yaml",
	"begin one; \"mode: shadow\" tells what it would do",
	"holdfast policy check site-policy.yaml",
	"before a unit is started with it",
	"holdfast policy simulate /var/lib/holdfast/run/trace.jsonl --against site-policy.yaml",
	"what it would have done otherwise",
	"holdfast policy table --json | jq -r '.reasons[] | [.reason, .class] | @tsv'",
	"every reason, for a script",
	NULL,
};
static const struct hf_exit_meaning policy_exits[] = {
	{ HF_EXIT_OK, "the file is good (there may be warnings), or it was printed" },
	{ HF_EXIT_FAILED, "the file has a mistake or cannot be read, or there is no such reason" },
	{ HF_EXIT_USAGE, "the command was wrong" },
};

/* status */

static const struct hf_form status_forms[] = {
	{ NULL, NULL, HF_OFFERS_NOTHING, 0, 0, NULL },
};
static const struct hf_option status_options[] = {
	{ "--data", "DIR", HF_OFFERS_FOLDERS, NULL, "the unit's data folder (" HF_DATA_PATH ")" },
	{ "--run", "DIR", HF_OFFERS_FOLDERS, NULL,
	  "the folder of its control socket, when it is not DATA/run" },
	{ "--json", NULL, HF_OFFERS_NOTHING, NULL, "one line of JSON, as the unit says it" },
	{ "--watch", NULL, HF_OFFERS_NOTHING, NULL, "again every second, until interrupted" },
};
static const char *const status_examples[] = {
	"holdfast status",
	"the unit of this machine",
	"holdfast status --data demo/unit --watch",
	"another one, all the time",
	"holdfast status --json | jq -r .state",
	"one word, for a script",
	NULL,
};
static const struct hf_exit_meaning status_exits[] = {
	{ HF_EXIT_OK, "healthy" },
	{ HF_EXIT_FAILED, "it could not be asked: no permission, or the answer made no sense" },
	{ HF_EXIT_USAGE, "the command was wrong" },
	{ HF_EXIT_NOT_RUNNING, "no unit runs on this folder" },
	{ HF_EXIT_DEGRADED, "it runs, in a state other than healthy" },
	{ HF_EXIT_LATER, "no answer in time; ask again" },
};

/* why */

#define UNIT_OPTIONS                                                                               \
	{ "--data", "DIR", HF_OFFERS_FOLDERS, NULL, "the unit's data folder (" HF_DATA_PATH ")" }, \
		{ "--run", "DIR", HF_OFFERS_FOLDERS, NULL,                                         \
		  "the folder of its control socket, when it is not DATA/run" },                   \
	{                                                                                          \
		"--json", NULL, HF_OFFERS_NOTHING, NULL, "one line of JSON, as the unit says it"   \
	}

static const struct hf_option why_options[] = { UNIT_OPTIONS };
static const char *const why_examples[] = {
	"holdfast why",       "at 2:17 a.m.", "holdfast why --json | jq -r '.reasons[].text'",
	"a line each reason", NULL,
};

/* hold, maintenance, safe, ack */

static const struct hf_form hold_forms[] = {
	{ NULL, "ACTION", HF_OFFERS_NOTHING, 1, 1, NULL },
};
static const struct hf_option hold_options[] = {
	{ "--for", "TIME", HF_OFFERS_NOTHING, NULL,
	  "for so long: 90s, 30m, 1h, 7d at most; 0: no longer" },
	{ "--reason", "TEXT", HF_OFFERS_NOTHING, NULL, "kept in the event" },
	UNIT_OPTIONS,
};
static const char *const hold_examples[] = {
	"holdfast hold reboot --for 2h --reason 'backup is running'",
	"no reboot before that is done",
	"holdfast hold reboot --for 0",
	"it may again",
	NULL,
};
static const struct hf_form maintenance_forms[] = {
	{ NULL, NULL, HF_OFFERS_NOTHING, 0, 0, NULL },
};
static const char *const maintenance_examples[] = {
	"holdfast maintenance --for 1h --reason 'new cable at the recorder'",
	"nothing but dead workers is restarted for an hour",
	"holdfast maintenance --for 0",
	"done",
	NULL,
};
static const struct hf_form safe_forms[] = {
	{ "enter", NULL, HF_OFFERS_NOTHING, 0, 0, "observe and record only, until it is cleared" },
	{ "clear", NULL, HF_OFFERS_NOTHING, 0, 0,
	  "back to work; refused while what it was entered for is still bad" },
};
static const struct hf_option safe_options[] = {
	{ "--reason", "TEXT", HF_OFFERS_NOTHING, NULL, "why; kept in the event" },
	UNIT_OPTIONS,
};
static const char *const safe_examples[] = {
	"holdfast safe enter --reason 'siren rings without cause'",
	"it goes on recording, and does nothing",
	"holdfast safe clear --reason 'camera was turned, zones are right again'",
	"back to work",
	NULL,
};
static const struct hf_form ack_forms[] = {
	{ NULL, "[REASON]", HF_OFFERS_NOTHING, 0, 1, NULL },
};
static const struct hf_option ack_options[] = {
	{ "--reason", "TEXT", HF_OFFERS_NOTHING, NULL, "kept in the event" },
	UNIT_OPTIONS,
};
static const char *const ack_examples[] = {
	"holdfast ack results_wrong",
	"it was seen; that reason is over when it is not bad any more",
	"holdfast ack",
	"all that waits for an operator",
	NULL,
};
static const struct hf_exit_meaning operator_exits[] = {
	{ HF_EXIT_OK, "done; an event says who asked, and why" },
	{ HF_EXIT_FAILED, "refused, with the reason; or it could not be asked" },
	{ HF_EXIT_USAGE, "the command was wrong" },
	{ HF_EXIT_NOT_RUNNING, "no unit runs on this folder" },
	{ HF_EXIT_LATER, "no answer in time; ask again" },
};

/* detect */

static const struct hf_form detect_forms[] = {
	{ NULL, "FILE...", HF_OFFERS_FILES, 1, 1 << 20, NULL },
};
static const struct hf_option detect_options[] = {
	{ "--score", "X", HF_OFFERS_NOTHING, NULL,
	  "print detections from this score on, 0.01 to 1 (the model's own threshold)" },
	{ "--model", "DIR", HF_OFFERS_FOLDERS, NULL, "a model pack other than the installed one" },
	{ "--draw", "DIR", HF_OFFERS_FOLDERS, NULL,
	  "also write each frame, as the detector saw it, with boxes, as a JPEG" },
	{ "--json", NULL, HF_OFFERS_NOTHING, NULL, "the output is JSON in any case" },
};
static const char *const detect_examples[] = {
	"holdfast detect picture.jpg",
	"one line of JSON",
	"holdfast detect --draw seen --score 0.2 clip.mp4",
	"pictures with boxes, also of what is less certain, in the folder seen",
	NULL,
};
static const struct hf_exit_meaning detect_exits[] = {
	{ HF_EXIT_OK, "every file was looked at" },
	{ HF_EXIT_FAILED, "none was" },
	{ HF_EXIT_USAGE, "the command was wrong" },
	{ HF_EXIT_PARTIAL, "some were" },
};

/* analyze */

static const struct hf_form analyze_forms[] = {
	{ NULL, "CLIP", HF_OFFERS_FILES, 1, 1, NULL },
};
static const struct hf_option analyze_options[] = {
	{ "--config", "FILE", HF_OFFERS_FILES, NULL,
	  "the unit's configuration (" HF_CONFIG_PATH ")" },
	{ "--source", "ID", HF_OFFERS_NOTHING, NULL,
	  "CLIP stands for this source, where the configuration has several" },
	{ "--json", NULL, HF_OFFERS_NOTHING, NULL,
	  "the lines a unit would store, and nothing else, on standard output" },
	{ "--draw", "OUT.mp4", HF_OFFERS_FILES, NULL,
	  "also write the clip with what was seen on it: tiles, zones, people, how long they stay, "
	  "events" },
	{ "--thumbs", "DIR", HF_OFFERS_FOLDERS, NULL,
	  "keep the pictures that go with events, in DIR/thumbs" },
};
static const char *const analyze_examples[] = {
	"holdfast analyze --config site.yaml clip.mp4",
	"before a zone or a threshold is changed on a site",
	"holdfast analyze --config site.yaml --json clip.mp4 | jq -r .event_class | sort | uniq -c",
	"how many events of which kind",
	NULL,
};
static const struct hf_exit_meaning analyze_exits[] = {
	{ HF_EXIT_OK, "the clip was analysed" },
	{ HF_EXIT_FAILED, "it was not, or not to its end" },
	{ HF_EXIT_USAGE, "the command was wrong" },
	{ HF_EXIT_PARTIAL, "it was, and --draw failed" },
};

/* outbox */

static const struct hf_form outbox_forms[] = {
	{ "verify", "[DIR]", HF_OFFERS_FOLDERS, 0, 1,
	  "reads every line: whole, in order, none altered or taken out (the chain), none twice, "
	  "thumbnails there; with --chain also held against what the hub has countersigned" },
	{ "stat", "[DIR]", HF_OFFERS_FOLDERS, 0, 1,
	  "the files, how lines are committed, and what each channel has not acknowledged: at "
	  "once, at any size" },
	{ "gaps", "[DIR]", HF_OFFERS_FOLDERS, 0, 1, "the numbers no line has, and why" },
	{ "tail", "[DIR]", HF_OFFERS_FOLDERS, 0, 1, "the last lines, as they are" },
	{ "export", "[DIR]", HF_OFFERS_FOLDERS, 0, 1,
	  "the events that were captured on a day (UTC), or that have these numbers, one a line" },
	{ "replay", "[DIR]", HF_OFFERS_FOLDERS, 0, 1,
	  "has a channel send delivered events again; asks first. The hub drops those it has" },
};
static const struct hf_option outbox_options[] = {
	{ "--json", NULL, HF_OFFERS_NOTHING, "verify stat gaps export replay",
	  "one JSON object on standard output (export without --out: on standard error)" },
	{ "--chain", NULL, HF_OFFERS_NOTHING, "verify",
	  "names the first line that was altered or taken out, up to what the hub has "
	  "countersigned" },
	{ "--hub-key", "HEX", HF_OFFERS_NOTHING, "verify",
	  "the hub's public key, instead of the one the unit has pinned; implies --chain" },
	{ "-n", "N", HF_OFFERS_NOTHING, "tail", "so many lines, 0 to 1000000 (10)" },
	{ "-f", NULL, HF_OFFERS_NOTHING, "tail", "go on with those that follow" },
	{ "--day", "YYYY-MM-DD", HF_OFFERS_NOTHING, "export",
	  "those whose captured_at is of this day, in whichever day file they stand" },
	{ "--from", "N", HF_OFFERS_NOTHING, "export replay", "from this local_seq on" },
	{ "--through", "N", HF_OFFERS_NOTHING, "export replay", "up to this one" },
	{ "--out", "FILE", HF_OFFERS_FILES, "export", "into a file instead of standard output" },
	{ "--force", NULL, HF_OFFERS_NOTHING, "export", "replace that file" },
	{ "--channel", "hub", HF_OFFERS_CHOICES, "replay", "which channel" },
	{ "--yes", NULL, HF_OFFERS_NOTHING, "replay", "do not ask" },
	{ "--run", "DIR", HF_OFFERS_FOLDERS, "replay",
	  "the folder of the unit's control socket, when it is not DIR/run" },
};
static const char *const outbox_examples[] = {
	"holdfast outbox verify",
	"is everything there that should be?",
	"holdfast outbox verify --chain /mnt/copy --json",
	"was anything altered? Of a copied data folder, for a script",
	"holdfast outbox tail -f | jq -c '{at: .captured_at, what: .event_class}'",
	"events as they are committed",
	"holdfast outbox export --day 2026-04-20 --out monday.jsonl",
	"the events of a day",
	"holdfast outbox replay --from 1000 --through 1200 --channel hub",
	"the hub has lost some: send them again",
	"cat /mnt/card/outbox/*.jsonl /mnt/card/outbox/.ring | grep -a '{' | jq -cR 'fromjson? | "
	".local_seq' | sort -nu",
	"without holdfast: every event on a card that was pulled from a dead unit",
	NULL,
};
static const struct hf_exit_meaning outbox_exits[] = {
	{ HF_EXIT_OK, "done; nothing is wrong" },
	{ HF_EXIT_FAILED,
	  "verify: something is wrong; gaps: nothing says why; all: it cannot be read or done" },
	{ HF_EXIT_USAGE, "the command was wrong" },
	{ HF_EXIT_PARTIAL, "verify --chain: sound, but nothing is countersigned; export: without "
			   "lines that are damaged" },
	{ HF_EXIT_LATER, "replay: the unit is starting or stopping; ask again" },
};

/* drill */

static const struct hf_form drill_forms[] = {
	{ NULL, "[NAME]", HF_OFFERS_NOTHING, 0, 1, NULL },
};
static const struct hf_option drill_options[] = {
	{ "--list", NULL, HF_OFFERS_NOTHING, NULL,
	  "which there are, how long each takes, what it proves" },
	{ "--json", NULL, HF_OFFERS_NOTHING, NULL, "a line of JSON each on standard output" },
	{ "--report", "FILE", HF_OFFERS_FILES, NULL,
	  "also write a page (HTML) with a timeline of each, to hand on" },
	{ "--policy", "FILE", HF_OFFERS_FILES, NULL,
	  "drill with another policy than the one that is installed" },
	{ "--clip", "FILE", HF_OFFERS_FILES, NULL,
	  "what the cameras show: a screen of 2x2. Without: a yard with nobody in it" },
	{ "--count", "N", HF_OFFERS_NOTHING, NULL, "random: so many faults (20)" },
	{ "--seed", "N", HF_OFFERS_NOTHING, NULL, "random: which (1)" },
	{ "--sabotage", NULL, HF_OFFERS_NOTHING, NULL,
	  "make no fault: each drill has to notice, and fail" },
	{ "--keep", NULL, HF_OFFERS_NOTHING, NULL, "leave the folders of the units, to look at" },
	{ "--verbose", NULL, HF_OFFERS_NOTHING, NULL, "tell what happens while it does" },
};
static const char *const drill_examples[] = {
	"holdfast drill --list",
	"what can be drilled",
	"holdfast drill crash-infer",
	"a detector is killed; is it back in time, and is it all told?",
	"sudo holdfast drill all --report drills.html",
	"all of them, about three quarters of an hour; root for those that need a disk of their "
	"own",
	NULL,
};
static const struct hf_exit_meaning drill_exits[] = {
	{ HF_EXIT_OK, "none failed (some may have been skipped)" },
	{ HF_EXIT_FAILED, "at least one failed" },
	{ HF_EXIT_USAGE, "the command was wrong" },
};

/* help, version, completion */

static const struct hf_form help_forms[] = {
	{ NULL, "[VERB]", HF_OFFERS_VERBS, 0, 1, NULL },
};
static const struct hf_option help_options[] = {
	{ "--manual", "holdfast.1|holdfast.yaml.5", HF_OFFERS_CHOICES, NULL,
	  "the source of this manual page, for scdoc" },
};
static const char *const help_examples[] = { "holdfast help config",
					     "the same as holdfast config --help", NULL };
static const struct hf_form version_forms[] = {
	{ NULL, NULL, HF_OFFERS_NOTHING, 0, 0, NULL },
};
static const char *const version_examples[] = { "holdfast version", "one line", NULL };
static const struct hf_form completion_forms[] = {
	{ "bash", NULL, HF_OFFERS_NOTHING, 0, 0, "for bash" },
	{ "zsh", NULL, HF_OFFERS_NOTHING, 0, 0, "for zsh" },
	{ "fish", NULL, HF_OFFERS_NOTHING, 0, 0, "for fish" },
};
static const char *const completion_examples[] = {
	". <(holdfast completion bash)",
	"in this shell, from now on",
	"holdfast completion fish > ~/.config/fish/completions/holdfast.fish",
	"in every fish to come",
	NULL,
};
static const struct hf_exit_meaning plain_exits[] = {
	{ HF_EXIT_OK, "it was printed" },
	{ HF_EXIT_FAILED, "not all of it could be written" },
	{ HF_EXIT_USAGE, "the command was wrong" },
};

static const struct hf_command commands[] = {
	{ .verb = "setup",
	  .about = "Looks at SOURCE for a while and begins a configuration from what it sees: how "
		   "the screen is divided, a camera and a zone for each tile, where the recorder "
		   "writes into the picture, and what it reads there. Names are proposals in "
		   "comments. Draws a picture of it all to hold beside the file.\n"
		   "\n"
		   "SOURCE is a video file, a grabber (/dev/video0) or a network camera "
		   "(rtsp://...). "
		   "No unit is needed; a grabber that a running unit uses is busy.",
	  FORMS(setup_forms),
	  OPTIONS(setup_options),
	  .examples = setup_examples,
	  EXITS(setup_exits) },
	{ .verb = "config",
	  .about = "Checks, shows or begins a configuration. Nothing is changed and no unit is "
		   "asked: "
		   "a running unit keeps what it was started with.\n"
		   "\n"
		   "FILE is " HF_CONFIG_PATH " unless another is named.",
	  FORMS(config_forms),
	  OPTIONS(config_options),
	  .examples = config_examples,
	  EXITS(config_exits) },
	{ .verb = "policy",
	  .about =
		  "What a unit takes for a fault and what it does about it are rules in a file, "
		  "which are checked before they are in force. Nothing is changed and no unit is "
		  "asked.\n"
		  "\n"
		  "Without --policy it is the policy that comes with this build. A unit uses that, "
		  "unless its configuration names another (policy.path).",
	  FORMS(policy_forms),
	  OPTIONS(policy_options),
	  .examples = policy_examples,
	  EXITS(policy_exits) },
	{ .verb = "status",
	  .about = "Asks the running unit how it is: its state and why, its processes, cameras, "
		   "outbox and link to the hub.",
	  FORMS(status_forms),
	  OPTIONS(status_options),
	  .examples = status_examples,
	  EXITS(status_exits) },
	{ .verb = "why",
	  .about = "Asks the running unit for each reason why it is in its state: since when, what "
		   "was tried, what comes next and when, and what would clear it.",
	  FORMS(status_forms),
	  OPTIONS(why_options),
	  .examples = why_examples,
	  EXITS(status_exits) },
	{ .verb = "hold",
	  .about = "Keeps the running unit from one action for a while. What would have been done "
		   "waits; everything milder goes on. Safe mode cannot be held off.",
	  FORMS(hold_forms),
	  OPTIONS(hold_options),
	  .examples = hold_examples,
	  EXITS(operator_exits) },
	{ .verb = "maintenance",
	  .about = "Keeps the running unit from all that destroys something, except that a dead "
		   "worker is started again. It ends by itself.",
	  FORMS(maintenance_forms),
	  OPTIONS(hold_options),
	  .examples = maintenance_examples,
	  EXITS(operator_exits) },
	{ .verb = "safe",
	  .about =
		  "Puts the running unit into safe mode, or takes it out: it observes and records, "
		  "and decides nothing.",
	  FORMS(safe_forms),
	  OPTIONS(safe_options),
	  .examples = safe_examples,
	  EXITS(operator_exits) },
	{ .verb = "ack",
	  .about =
		  "Says that an operator has seen REASON, or all that waits for one. A reason that "
		  "is still bad stays.",
	  FORMS(ack_forms),
	  OPTIONS(ack_options),
	  .examples = ack_examples,
	  EXITS(operator_exits) },
	{ .verb = "detect",
	  .about =
		  "Looks for people in pictures and video clips, with the unit's own detector, and "
		  "prints a JSON line for each picture or frame:\n"
		  "\n"
		  "  "
		  "{\"source\":FILE,\"frame\":N,\"detections\":[{\"class\",\"score\",\"box\":[x,y,"
		  "w,h]}]}\n"
		  "\n"
		  "The box is in pixels of that picture: upper left corner, width, height. No unit "
		  "is "
		  "needed and nothing is stored.",
	  FORMS(detect_forms),
	  OPTIONS(detect_options),
	  .examples = detect_examples,
	  EXITS(detect_exits) },
	{ .verb = "analyze",
	  .about =
		  "What a unit with this configuration would have raised on this clip: every "
		  "event, by the unit's own programs, without a unit. They take the looks a unit "
		  "takes and go by the clip's own time, as fast as this machine can; nothing is "
		  "dropped, however slow it is. Two runs give the same events. Nothing is stored.\n"
		  "\n"
		  "Times are the clip's: from the moment of recording that the file names, else "
		  "from "
		  "when it was last changed.",
	  FORMS(analyze_forms),
	  OPTIONS(analyze_options),
	  .examples = analyze_examples,
	  EXITS(analyze_exits) },
	{ .verb = "outbox",
	  .about =
		  "Checks and reads the events on disk, with or without a running unit, which is "
		  "not disturbed. Nothing is changed, but for a cursor by replay.\n"
		  "\n"
		  "DIR is a data folder or an outbox folder, also a copy of one: " HF_DATA_PATH
		  " unless another is named.\n"
		  "\n"
		  "Lines are in outbox/YYYY-MM-DD.jsonl, for grep, jq and tail. After a power cut "
		  "the last ones may be only in outbox/.ring, until a unit has started on it once; "
		  "these commands read both.",
	  FORMS(outbox_forms),
	  OPTIONS(outbox_options),
	  .examples = outbox_examples,
	  EXITS(outbox_exits) },
	{ .verb = "drill",
	  .about =
		  "Starts a unit of its own, makes a real fault (a process killed or stopped, a "
		  "disk "
		  "filled, a clock set), and judges from outside what the unit does: the states it "
		  "goes through, what is done, how fast, and that it is over at the end. The unit "
		  "of this machine is not touched.\n"
		  "\n"
		  "NAME is a drill, the first word of several (crash, hang, disk, ...), or all. "
		  "Times are compared with what is promised; on a busy machine one may be missed, "
		  "which is said and is no failure of the drill.",
	  FORMS(drill_forms),
	  OPTIONS(drill_options),
	  .examples = drill_examples,
	  EXITS(drill_exits) },
	{ .verb = "help",
	  .about = "What holdfast is and which verbs it has, or the help of one verb.",
	  FORMS(help_forms),
	  OPTIONS(help_options),
	  .examples = help_examples,
	  EXITS(plain_exits) },
	{ .verb = "version",
	  .about = "Prints the release.",
	  FORMS(version_forms),
	  .examples = version_examples,
	  EXITS(plain_exits) },
	{ .verb = "completion",
	  .about = "Prints what a shell needs to complete verbs, options and values. An installed "
		   "holdfast has brought it along already.",
	  FORMS(completion_forms),
	  .examples = completion_examples,
	  EXITS(plain_exits) },
};

const struct hf_command *hf_command_find(const char *verb)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(commands); i++)
		if (strcmp(commands[i].verb, verb) == 0)
			return &commands[i];
	return NULL;
}
