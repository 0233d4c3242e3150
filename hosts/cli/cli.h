/* SPDX-License-Identifier: Apache-2.0 */
/* cli/cli.h: what the verbs of the adze command share.
 *
 * A verb is one file with one adze_cli_verb, and a line in the table of verbs.c. The table feeds the
 * dispatch, every --help and the completion of shells. hosts/phase is another program with a table
 * of its own.
 */
#ifndef ADZE_CLI_H
#define ADZE_CLI_H

#include <adze/host.h>

#include "cli/options.h"
#include "cli/print.h"
#include "cli/progress.h"

/* The same in every verb; adze(1) explains them. 3 is kept for what a policy forbids. */
enum {
  ADZE_CLI_FINE = 0,
  ADZE_CLI_FAILED = 1,  /* what was asked about failed, or is not there */
  ADZE_CLI_MISUSED = 2, /* the command line or the configuration is wrong */
  ADZE_CLI_BROKEN = 4   /* the system refused (I/O, memory), or adze itself is at fault */
};

typedef struct adze_cli adze_cli;

typedef struct adze_cli_verb {
  const char *name;    /* "list"; of a group: "plugin check" */
  const char *usage;   /* its words, as they stand in the synopsis; "" when it takes none */
  const char *summary; /* one line */
  const char *about;   /* a paragraph for its --help */
  const adze_cli_option *options; /* besides those that all verbs have; NULL: none */
  size_t least, most;             /* how many words */
  const char *surplus; /* what one word too many may have been meant as; NULL: anything */
  int (*run) (adze_cli *cli, const adze_cli_arguments *arguments);
} adze_cli_verb;

#define ADZE_CLI_VERBS_MAX 64

/* A verb that comes with adze as a program of its own, adze-NAME. */
typedef struct adze_cli_companion {
  const char *name;
  const char *summary;
} adze_cli_companion;

/* A program: its verbs, at most ADZE_CLI_VERBS_MAX with its companions. */
typedef struct adze_cli_program {
  const adze_cli_verb *const *verbs;
  size_t count;
  const char *group;  /* the one that all its verbs are of: "adze phase" is adze-phase. NULL: none */
  const char *manual; /* the page of all its verbs; NULL: each has one */
  const adze_cli_companion *companions; /* ended by one without name; NULL: none */
} adze_cli_program;

extern const adze_cli_program adze_cli_adze;

struct adze_cli {
  const adze_cli_program *program;
  const adze_cli_verb *verb; /* NULL until it is known */
  bool json, quiet, verbose;
  const char **plugin_path; /* NULL-terminated */
  adze_cli_printer out, err;
  adze_runtime *runtime; /* NULL until adze_cli_open */
  /* What the first event "instance.failed" said; both are empty when there was none. */
  char failed[128], failed_reason[512];
  adze_cli_progress progress; /* of adze_cli_follow */
};

/* The whole command. Returns its exit status. */
int adze_cli_main (const adze_cli_program *program, int argc, char **argv);

/* The value of an option that takes a whole number; *NUMBER stays as it is when it was not given.
 * 0, or an exit status whose reason has been said. */
int adze_cli_number_option (const adze_cli *cli, const adze_cli_arguments *arguments,
                            const char *name, uint64_t least, uint64_t most, uint64_t *number);

/* The same for bytes, with a unit; more than none. */
int adze_cli_size_option (const adze_cli *cli, const adze_cli_arguments *arguments,
                          const char *name, uint64_t *bytes);

extern const adze_cli_option adze_cli_common_options[];

extern const adze_cli_verb adze_cli_init;
extern const adze_cli_verb adze_cli_check;
extern const adze_cli_verb adze_cli_show_model;
extern const adze_cli_verb adze_cli_diff;
extern const adze_cli_verb adze_cli_convert;
extern const adze_cli_verb adze_cli_schema;
extern const adze_cli_verb adze_cli_plan_of;
extern const adze_cli_verb adze_cli_run;
extern const adze_cli_verb adze_cli_why;
extern const adze_cli_verb adze_cli_list;
extern const adze_cli_verb adze_cli_inspect;
extern const adze_cli_verb adze_cli_data;
extern const adze_cli_verb adze_cli_backend_list;
extern const adze_cli_verb adze_cli_backend_check;
extern const adze_cli_verb adze_cli_backend_bench;
extern const adze_cli_verb adze_cli_plugin_doctor;
extern const adze_cli_verb adze_cli_plugin_check;
extern const adze_cli_verb adze_cli_plugin_new;
extern const adze_cli_verb adze_cli_plugin_dump;
extern const adze_cli_verb adze_cli_plugin_list;
extern const adze_cli_verb adze_cli_plugin_rescan;
extern const adze_cli_verb adze_cli_plugin_stamp;
extern const adze_cli_verb adze_cli_plugin_key;
extern const adze_cli_verb adze_cli_plugin_try;
extern const adze_cli_verb adze_cli_runs_list;
extern const adze_cli_verb adze_cli_runs_show;
extern const adze_cli_verb adze_cli_runs_table;
extern const adze_cli_verb adze_cli_runs_clean;

/* ---- help.c */

void adze_cli_print_overview (const adze_cli_printer *printer, const adze_cli_program *program,
                              const char *group);
void adze_cli_print_help (const adze_cli_printer *printer, const adze_cli_program *program,
                          const adze_cli_verb *verb);
/* What can follow, one a line, for shells: verbs, or options with what stands for their value, and
 * the words of the synopsis. */
void adze_cli_print_words (FILE *stream, const adze_cli_program *program, const char *group,
                           const adze_cli_verb *verb);

/* ---- external.c: "adze foo" that is no verb runs adze-foo, from the folder that this program is in
 * or else from PATH, with the options in front of it and the arguments behind it. Returns only when there is none. */
int adze_cli_run_external (const adze_cli *cli, int argc, char **argv, int index,
                           const char *const *names, size_t name_count);

/* ---- report.c: each says what went wrong, on standard error and, with --json, as the document
 * {"error": ...} on standard output, and returns the exit status for it. */

int adze_cli_show (const adze_cli *cli, const adze_error *error);
int adze_cli_fail (const adze_cli *cli, adze_error *error); /* the same, and frees ERROR */
/* The two halves, for a document that has more to say: on standard error alone, and the member
 * "error" of a document. */
int adze_cli_say (const adze_cli *cli, const adze_error *error);
void adze_cli_print_error (const adze_error *error);
/* The command was understood, and what it asks for cannot be had. */
int adze_cli_refuse (const adze_cli *cli, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));
/* It was not: points at --help too. */
int adze_cli_misuse (const adze_cli *cli, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));
/* With errno's text at its end. */
int adze_cli_broken (const adze_cli *cli, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));
int adze_cli_no_memory (const adze_cli *cli);
/* One line on standard error, unless --quiet. */
void adze_cli_note (const adze_cli *cli, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

/* ---- session.c */

/* Opens the runtime with what the command line said, and shows its log. 0, or an exit status
 * whose reason has been said. */
int adze_cli_open (adze_cli *cli);
void adze_cli_close (adze_cli *cli);
/* Shows on standard error how far the run is that comes next, unless --quiet, until the runtime is
 * closed. 0, or an exit status whose reason has been said. */
int adze_cli_follow (adze_cli *cli);
/* Prints a document that the runtime made (and frees it), or what went wrong instead. */
int adze_cli_print_document (const adze_cli *cli, adze_error *error, char *text);
/* The folders that were searched and who asked for each, on standard error. */
void adze_cli_note_folders (const adze_cli *cli);
/* Counts the plugins that cannot be used and, when there are any, says so in one line on standard
 * error. */
int adze_cli_note_failures (const adze_cli *cli);

#endif
