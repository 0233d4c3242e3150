/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: from a command line to a verb. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

const adze_cli_option adze_cli_common_options[] = {
  { "plugin-path", 0, true, "DIR", "search DIR for plugins before all other folders; repeatable" },
  { "json", 0, false, NULL, "print one JSON document, also about an error" },
  { "color", 0, false, "auto|always|never", "colour the output; auto: on a terminal" },
  { "verbose", 'v', false, NULL, "show the whole log on standard error" },
  { "quiet", 'q', false, NULL, "show no warnings or remarks, only errors" },
  { "help", 'h', false, NULL, "say how to use it, and stop" },
  { "version", 0, false, NULL, "print the version, and stop" },
  { "words", 0, false, NULL, "print what can follow, one a line, for the completion of shells" },
  { NULL, 0, false, NULL, NULL },
};

/* ---- Which verb? */

static const adze_cli_verb *
find_verb (const adze_cli_program *program, const char *group, const char *word)
{
  char name[64];
  if (snprintf (name, sizeof name, "%s%s%s", group ? group : "", group ? " " : "", word)
      >= (int)sizeof name)
    return NULL;
  for (size_t i = 0; i < program->count; i++)
    if (strcmp (program->verbs[i]->name, name) == 0)
      return program->verbs[i];
  return NULL;
}

static bool
is_group (const adze_cli_program *program, const char *word)
{
  size_t size = strlen (word);
  for (size_t i = 0; i < program->count; i++)
    if (strncmp (program->verbs[i]->name, word, size) == 0 && program->verbs[i]->name[size] == ' ')
      return true;
  return false;
}

/* The words that could have been meant: those of a group, or the first words. */
static size_t
collect_words (const adze_cli_program *program, const char *group, char words[][32],
               const char *names[])
{
  size_t size = group ? strlen (group) : 0, count = 0;
  for (size_t i = 0; i < program->count && i < ADZE_CLI_VERBS_MAX; i++) {
    const char *name = program->verbs[i]->name;
    if (group && (strncmp (name, group, size) != 0 || name[size] != ' '))
      continue;
    name += group ? size + 1 : 0;
    snprintf (words[count], sizeof words[count], "%.*s", (int)strcspn (name, " "), name);
    names[count] = words[count];
    count++;
  }
  const adze_cli_companion *own = group ? NULL : program->companions;
  for (; own && own->name && count < ADZE_CLI_VERBS_MAX; own++)
    names[count++] = own->name;
  return count;
}

static int
unknown_in_group (const adze_cli *cli, const char *group, const char *word,
                  const char *const *names, size_t count)
{
  const char *meant = adze_cli_nearest (word, names, count);
  if (meant)
    return adze_cli_misuse (cli, "'%s %s' is no verb; did you mean '%s %s'?", group, word, group,
                            meant);
  return adze_cli_misuse (cli, "'%s %s' is no verb; adze %s --help lists them", group, word,
                          group);
}

/* ---- Before and after. */

/* A closed standard descriptor would be given to the next file that is opened, and what we print
 * would end up in it. These stand-ins refuse the wrong direction, so that printing to a closed
 * standard output is an error as it should be. */
static void
hold_standard_descriptors (void)
{
  static const int modes[] = { O_WRONLY, O_RDONLY, O_WRONLY };
  for (int fd = 0; fd < 3; fd++)
    if (fcntl (fd, F_GETFD) < 0 && errno == EBADF && open ("/dev/null", modes[fd]) < 0)
      _exit (ADZE_CLI_BROKEN); /* there is nowhere to say it */
}

/* Did all that was printed arrive? A reader that has gone away ("| head") knows that itself. */
static int
finish (const adze_cli *cli, int status)
{
  errno = 0;
  bool failed = ferror (adze_cli_out);
  if (fclose (adze_cli_out) == 0 && !failed)
    return status;
  if (errno != EPIPE) {
    adze_cli_print (&cli->err, ADZE_CLI_RED, "adze:");
    fprintf (stderr, " cannot write to standard output%s%s\n", errno ? ": " : "",
             errno ? strerror (errno) : "");
  }
  return ADZE_CLI_BROKEN;
}

/* Plugins in this process may print, and a document must stay one: from here on the standard output
 * of everybody else is standard error. A closed one stays as it is, and writing to it an error. */
static void
keep_output (adze_cli *cli)
{
  int own = fcntl (STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  FILE *stream = own >= 0 ? fdopen (own, "w") : NULL;
  if (stream && fflush (stdout) == 0 && dup2 (STDERR_FILENO, STDOUT_FILENO) >= 0) {
    adze_cli_out = cli->out.stream = stream;
    return;
  }
  if (stream)
    fclose (stream);
  else if (own >= 0)
    close (own);
}

/* The verb that is running: all that a function for atexit can know. NULL: none. */
static const adze_cli *unfinished;
static pid_t own_process;

/* A plugin or a library in this process may call exit, and its status could be that of success. */
static void
complain_of_exit (void)
{
  if (!unfinished || getpid () != own_process)
    return;
  adze_cli_refuse (unfinished,
                   "adze %s was ended in the middle: a plugin, or a library of it, called exit in "
                   "this process",
                   unfinished->verb->name);
  fflush (NULL);
  _exit (ADZE_CLI_BROKEN);
}

static int
run_to_the_end (adze_cli *cli, const adze_cli_arguments *arguments)
{
  own_process = getpid ();
  if (atexit (complain_of_exit) != 0)
    return adze_cli_no_memory (cli);
  unfinished = cli;
  if (cli->json)
    keep_output (cli);
  int status = cli->verb->run (cli, arguments);
  /* Plugins in this process end here. */
  adze_cli_close (cli);
  unfinished = NULL;
  return status;
}

/* An error in the command line must be reported as JSON too, when that is asked for behind it. */
static bool
mentions_json (int argc, char **argv)
{
  for (int i = 1; i < argc && strcmp (argv[i], "--") != 0; i++)
    if (strcmp (argv[i], "--json") == 0)
      return true;
  return false;
}

/* ---- For the verbs. */

int
adze_cli_number_option (const adze_cli *cli, const adze_cli_arguments *arguments, const char *name,
                        uint64_t least, uint64_t most, uint64_t *number)
{
  const char *text = adze_cli_value (arguments, name);
  if (!text || adze_cli_number (text, least, most, number))
    return ADZE_CLI_FINE;
  return adze_cli_misuse (cli, "--%s takes a whole number from %llu to %llu, not '%s'", name,
                          (unsigned long long)least, (unsigned long long)most, text);
}

int
adze_cli_size_option (const adze_cli *cli, const adze_cli_arguments *arguments, const char *name,
                      uint64_t *bytes)
{
  const char *text = adze_cli_value (arguments, name);
  if (!text || (adze_cli_size (text, bytes) && *bytes > 0))
    return ADZE_CLI_FINE;
  return adze_cli_misuse (cli, "--%s takes a size such as 64MiB, not '%s'", name, text);
}

/* ---- Dispatch. */

static int
print_version (const adze_cli *cli)
{
  uint32_t major, minor;
  adze_abi_version (&major, &minor);
  if (!cli->json) {
    fprintf (adze_cli_out, "adze %s (plugin ABI %u.%u)\n", adze_version (), major, minor);
    return ADZE_CLI_FINE;
  }
  fprintf (adze_cli_out, "{\"version\": ");
  adze_cli_print_json (adze_cli_out, adze_version ());
  fprintf (adze_cli_out, ", \"abi\": {\"major\": %u, \"minor\": %u}}\n", major, minor);
  return ADZE_CLI_FINE;
}

/* What the options of every verb ask for. */
static int
settle (adze_cli *cli, const adze_cli_arguments *arguments)
{
  cli->json = adze_cli_has (arguments, "json");
  cli->quiet = adze_cli_has (arguments, "quiet");
  cli->verbose = adze_cli_has (arguments, "verbose");
  cli->out = adze_cli_printer_open (adze_cli_out, adze_cli_value (arguments, "color"));
  cli->err = adze_cli_printer_open (stderr, adze_cli_value (arguments, "color"));
  if (cli->quiet && cli->verbose)
    return adze_cli_misuse (cli, "--quiet and --verbose contradict each other");
  cli->plugin_path = adze_cli_values (arguments, "plugin-path");
  return cli->plugin_path ? ADZE_CLI_FINE : adze_cli_no_memory (cli);
}

static int
run_verb (adze_cli *cli, const adze_cli_arguments *arguments)
{
  int status = settle (cli, arguments);
  if (status != ADZE_CLI_FINE)
    return status;
  const adze_cli_verb *verb = cli->verb;
  if (adze_cli_has (arguments, "version"))
    return print_version (cli);
  if (adze_cli_has (arguments, "help")) {
    adze_cli_print_help (&cli->out, cli->program, verb);
    return ADZE_CLI_FINE;
  }
  if (adze_cli_has (arguments, "words")) {
    adze_cli_print_words (adze_cli_out, cli->program, NULL, verb);
    return ADZE_CLI_FINE;
  }
  if (arguments->word_count < verb->least)
    return adze_cli_misuse (cli, "too few words: adze %s %s", verb->name, verb->usage);
  if (arguments->word_count > verb->most)
    return adze_cli_misuse (cli, "'%s' is one word too many for: adze %s%s%s%s%s",
                            arguments->words[verb->most], verb->name, verb->usage[0] ? " " : "",
                            verb->usage, verb->surplus ? "; " : "",
                            verb->surplus ? verb->surplus : "");
  return run_to_the_end (cli, arguments);
}

/* No verb was named, or nothing but a group of verbs. */
static int
run_without_verb (adze_cli *cli, const adze_cli_arguments *arguments, const char *group)
{
  int status = settle (cli, arguments);
  if (status != ADZE_CLI_FINE)
    return status;
  if (adze_cli_has (arguments, "version"))
    return print_version (cli);
  if (adze_cli_has (arguments, "words")) {
    adze_cli_print_words (adze_cli_out, cli->program, group, NULL);
    return ADZE_CLI_FINE;
  }
  if (!adze_cli_has (arguments, "help"))
    return adze_cli_misuse (cli, "which verb? adze %s%sVERB", group ? group : "",
                            group ? " " : "");
  adze_cli_print_overview (&cli->out, cli->program, group);
  return ADZE_CLI_FINE;
}

static int
dispatch (adze_cli *cli, adze_cli_arguments *arguments, int argc, char **argv)
{
  char words[ADZE_CLI_VERBS_MAX][32];
  const char *names[ADZE_CLI_VERBS_MAX];
  const char *group = cli->program->group;
  int index = 1;
  if (!adze_cli_arguments_read (arguments, argc, argv, &index, adze_cli_common_options, NULL, true))
    return adze_cli_misuse (cli, "%s", arguments->complaint);
  if (!group && index < argc && is_group (cli->program, argv[index])) {
    group = argv[index++];
    if (!adze_cli_arguments_read (arguments, argc, argv, &index, adze_cli_common_options, NULL,
                                  true))
      return adze_cli_misuse (cli, "%s", arguments->complaint);
  }
  if (index == argc)
    return run_without_verb (cli, arguments, group);
  cli->verb = find_verb (cli->program, group, argv[index]);
  if (!cli->verb) {
    size_t count = collect_words (cli->program, group, words, names);
    return group ? unknown_in_group (cli, group, argv[index], names, count)
                 : adze_cli_run_external (cli, argc, argv, index, names, count);
  }
  index++;
  if (!adze_cli_arguments_read (arguments, argc, argv, &index, adze_cli_common_options,
                                cli->verb->options, false))
    return adze_cli_misuse (cli, "%s", arguments->complaint);
  return run_verb (cli, arguments);
}

int
adze_cli_main (const adze_cli_program *program, int argc, char **argv)
{
  adze_cli_out = stdout;
  hold_standard_descriptors ();
  /* A write beyond the limit on the size of files fails then, is told, and half a file is removed,
   * which a process that is killed cannot do. Workers are started with it. */
  signal (SIGXFSZ, SIG_IGN);
  /* Libraries with threads of their own have them spin until there is work again, and take the
   * processor from whoever else needs it; a short while is enough. Before they are loaded, and unless
   * somebody has said otherwise. */
  setenv ("GOMP_SPINCOUNT", "10000", 0);
  /* A line is written at once: observers of this process write to the same place. */
  setvbuf (stderr, NULL, _IOLBF, BUFSIZ);
  adze_cli cli = { .program = program,
                   .json = mentions_json (argc, argv),
                   .out = adze_cli_printer_open (adze_cli_out, NULL),
                   .err = adze_cli_printer_open (stderr, NULL) };
  adze_cli_arguments arguments;
  int status;
  if (adze_cli_arguments_open (&arguments, argc)) {
    status = dispatch (&cli, &arguments, argc, argv);
    adze_cli_arguments_close (&arguments);
  } else {
    status = adze_cli_no_memory (&cli);
  }
  free (cli.plugin_path);
  return finish (&cli, status);
}
