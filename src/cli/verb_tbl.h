/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of `holdfast`: group in the help, name, what it does. The function is
 * hf_cli_<name>(), in src/cli/<name>.c (help and version: in main.c). Rows of a group stand
 * together. What it takes is a row of cli/commands.c. No include guard. */
HF_VERB("Set up", setup,   "look at a source and begin its configuration")
HF_VERB("Set up", config,  "check, show or begin a configuration file")
HF_VERB("Set up", policy,  "check, explain, try or begin the rules of recovery")
HF_VERB("Look",   status,  "how the unit is, and why")
HF_VERB("Look",   why,     "why it is in this state, what was tried, what comes next")
HF_VERB("Look",   detect,  "find people in pictures and clips, without a unit")
HF_VERB("Look",   analyze, "what a unit would have raised on a clip")
HF_VERB("Look",   outbox,  "check and read the events on disk")
HF_VERB("Operate", hold,   "keep a unit from one action for a while")
HF_VERB("Operate", maintenance, "keep it from whatever would be in the way of your work")
HF_VERB("Operate", safe,   "enter safe mode, or clear it")
HF_VERB("Operate", ack,    "say that you have seen what waits for you")
HF_VERB("Prove",  drill,   "real faults on a unit of its own, judged")
HF_VERB("About",  help,    "this text, or the help of a verb")
HF_VERB("About",  completion, "what a shell completes behind the tabulator key")
HF_VERB("About",  version, "which release this is")
#undef HF_VERB
