/* SPDX-License-Identifier: Apache-2.0 */
/* cli/options.h: a command line, taken apart by tables of options.
 *
 * --name, --name VALUE, --name=VALUE, -n; "--" ends the options. An option that takes a value
 * takes the next argument whatever it begins with. Names are not abbreviated: a script that does
 * so breaks when a second name with the same beginning comes.
 */
#ifndef ADZE_CLI_OPTIONS_H
#define ADZE_CLI_OPTIONS_H

#include "cli/text.h"

typedef struct adze_cli_option {
  const char *name; /* without the hyphens; NULL ends a table */
  char letter;      /* 0: none */
  bool repeatable;
  /* What stands for the value in the help, and tells the completion what to offer: "DIR",
   * "auto|always|never". NULL: it takes none. */
  const char *value;
  const char *help;
} adze_cli_option;

typedef struct adze_cli_given {
  const adze_cli_option *option;
  const char *value;
} adze_cli_given;

/* What was given. The strings are those of argv. */
typedef struct adze_cli_arguments {
  const char **words; /* what is no option */
  size_t word_count;
  adze_cli_given *given;
  size_t given_count;
  char complaint[256]; /* what was wrong with it */
} adze_cli_arguments;

/* Room for everything that ARGC arguments can hold; false without memory. */
bool adze_cli_arguments_open (adze_cli_arguments *arguments, int argc);
void adze_cli_arguments_close (adze_cli_arguments *arguments);

/* Reads argv from *INDEX on, by the options of two tables (OWN may be NULL), to its end, or, with
 * TO_FIRST_WORD, up to the first argument that is no option. *INDEX becomes the first one that
 * was not read. False: see .complaint. */
bool adze_cli_arguments_read (adze_cli_arguments *arguments, int argc, char **argv, int *index,
                              const adze_cli_option *common, const adze_cli_option *own,
                              bool to_first_word);

bool adze_cli_has (const adze_cli_arguments *arguments, const char *name);
/* The value of an option, the last one when it was repeated; NULL when it was not given. */
const char *adze_cli_value (const adze_cli_arguments *arguments, const char *name);
/* All values of an option in order, NULL-terminated, to be freed; NULL without memory. */
const char **adze_cli_values (const adze_cli_arguments *arguments, const char *name);

#endif
