/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: saying what went wrong, and choosing the exit status. */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

/* A refusal names the step at which a plugin was not taken: then the plugin is at fault, whatever
 * the status. A file that nobody may read is none of the plugin's doing. */
static bool
is_refusal (const adze_error *error)
{
  const char *step = adze_error_fact (error, "step");
  return step && !(strcmp (step, "find") == 0 && adze_error_status (error) == ADZE_E_IO);
}

static int
exit_status_of (const adze_error *error)
{
  if (is_refusal (error))
    return ADZE_CLI_FAILED;
  switch (adze_error_status (error)) {
  case ADZE_E_PARAM:
    return ADZE_CLI_MISUSED;
  case ADZE_E_MEMORY:
  case ADZE_E_IO:
  case ADZE_E_INTERNAL:
    return ADZE_CLI_BROKEN;
  default:
    return ADZE_CLI_FAILED;
  }
}

static void
begin (const adze_cli *cli)
{
  fflush (adze_cli_out); /* what was printed before belongs before it on a terminal too */
  adze_cli_print (&cli->err, ADZE_CLI_RED, "adze:");
  fputc (' ', stderr);
}

int
adze_cli_say (const adze_cli *cli, const adze_error *error)
{
  ADZE_CLI_FREE char *text = adze_error_text (error);
  begin (cli);
  if (text)
    fputs (text, stderr);
  else
    fprintf (stderr, "%s\n", adze_error_message (error));
  return exit_status_of (error);
}

void
adze_cli_print_error (const adze_error *error)
{
  ADZE_CLI_FREE char *document = adze_error_json (error);
  fputs ("\"error\": ", adze_cli_out);
  fputs (document ? document : "{\"status\": \"memory\", \"message\": \"out of memory\"}",
         adze_cli_out);
}

int
adze_cli_show (const adze_cli *cli, const adze_error *error)
{
  int status = adze_cli_say (cli, error);
  if (!cli->json)
    return status;
  putc ('{', adze_cli_out);
  adze_cli_print_error (error);
  fputs ("}\n", adze_cli_out);
  return status;
}

int
adze_cli_fail (const adze_cli *cli, adze_error *error)
{
  int status = adze_cli_show (cli, error);
  adze_error_free (error);
  return status;
}

/* The command's own errors have the members of the runtime's, so that a script reads one form. */
static void say (const adze_cli *cli, const char *status, const char *format, va_list arguments,
                 const char *reason) __attribute__ ((format (printf, 3, 0)));

static void
say (const adze_cli *cli, const char *status, const char *format, va_list arguments,
     const char *reason)
{
  char message[1024];
  vsnprintf (message, sizeof message, format, arguments);
  size_t used = strlen (message);
  if (reason)
    snprintf (message + used, sizeof message - used, ": %s", reason);
  begin (cli);
  adze_cli_print_lines (&cli->err, "", message);
  if (!cli->json)
    return;
  fprintf (adze_cli_out, "{\"error\": {\"status\": \"%s\", \"message\": ", status);
  adze_cli_print_json (adze_cli_out, message);
  fputs ("}}\n", adze_cli_out);
}

int
adze_cli_misuse (const adze_cli *cli, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  say (cli, "usage", format, arguments, NULL);
  va_end (arguments);
  fprintf (stderr, "Try 'adze %s%s--help'.\n", cli->verb ? cli->verb->name : "",
           cli->verb ? " " : "");
  return ADZE_CLI_MISUSED;
}

int
adze_cli_refuse (const adze_cli *cli, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  say (cli, "failed", format, arguments, NULL);
  va_end (arguments);
  return ADZE_CLI_FAILED;
}

int
adze_cli_broken (const adze_cli *cli, const char *format, ...)
{
  int number = errno;
  va_list arguments;
  va_start (arguments, format);
  say (cli, "io", format, arguments, strerror (number));
  va_end (arguments);
  return ADZE_CLI_BROKEN;
}

int
adze_cli_no_memory (const adze_cli *cli)
{
  errno = ENOMEM;
  return adze_cli_broken (cli, "cannot go on");
}

void
adze_cli_note (const adze_cli *cli, const char *format, ...)
{
  char message[1024];
  if (cli->quiet)
    return;
  va_list arguments;
  va_start (arguments, format);
  vsnprintf (message, sizeof message, format, arguments);
  va_end (arguments);
  fflush (adze_cli_out);
  fputs ("adze: ", stderr);
  adze_cli_print_lines (&cli->err, "", message);
}
