/* SPDX-License-Identifier: Apache-2.0 */
/* hosts/cli: adze plugin stamp, adze plugin key. */
#include "cli/cli.h"

#include <stdint.h>
#include <string.h>

/* ---- adze plugin stamp */

/* The first COUNT files are stamped; ERROR (or NULL) is what stopped the next one. */
static void
print_stamped_json (const adze_cli_arguments *arguments, size_t count, bool is_signed,
                    const adze_error *error)
{
  fputs ("{\"stamped\": [", adze_cli_out);
  for (size_t i = 0; i < count; i++) {
    fputs (i > 0 ? ", " : "", adze_cli_out);
    adze_cli_print_json (adze_cli_out, arguments->words[i]);
  }
  fprintf (adze_cli_out, "], \"signed\": %s", is_signed ? "true" : "false");
  if (error) {
    fputs (", ", adze_cli_out);
    adze_cli_print_error (error);
  }
  fputs ("}\n", adze_cli_out);
}

static int
run_stamp (adze_cli *cli, const adze_cli_arguments *arguments)
{
  const char *key = adze_cli_value (arguments, "key");
  adze_error *error = NULL;
  size_t done = 0;
  int status = adze_cli_open (cli);
  if (status != ADZE_CLI_FINE)
    return status;
  while (done < arguments->word_count
         && !(error = adze_plugin_stamp (cli->runtime, arguments->words[done], key))) {
    const char *path = arguments->words[done++];
    if (cli->json)
      continue;
    adze_cli_print (&cli->out, ADZE_CLI_PLAIN, path);
    fputs (key ? ": stamped and signed\n" : ": stamped\n", adze_cli_out);
  }
  if (error)
    status = adze_cli_say (cli, error);
  if (cli->json)
    print_stamped_json (arguments, done, key != NULL, error);
  adze_error_free (error);
  return status;
}

static const adze_cli_option stamp_options[] = {
  { "key", 0, false, "KEYFILE", "sign the manifest with this secret key (see adze plugin key)" },
  { NULL, 0, false, NULL, NULL },
};

const adze_cli_verb adze_cli_plugin_stamp = {
  .name = "plugin stamp",
  .usage = "FILE...",
  .summary = "write a plugin's manifest beside it, with its digest",
  .about = "Asks each plugin in a process of its own for its descriptor and writes it as a "
           "manifest beside the file, with the digest of the file and, when a key is given, a "
           "signature. A file that changes afterwards is refused until it is stamped again. Stops "
           "at the first one that fails.",
  .options = stamp_options,
  .least = 1,
  .most = SIZE_MAX,
  .run = run_stamp,
};

/* ---- adze plugin key */

static int
print_key_json (const adze_cli *cli, const char *path)
{
  size_t room = strlen (path) + sizeof ".pub";
  ADZE_CLI_FREE char *public_path = malloc (room);
  if (!public_path)
    return adze_cli_no_memory (cli);
  snprintf (public_path, room, "%s.pub", path);
  fputs ("{\"secret\": ", adze_cli_out);
  adze_cli_print_json (adze_cli_out, path);
  fputs (", \"public\": ", adze_cli_out);
  adze_cli_print_json (adze_cli_out, public_path);
  fputs ("}\n", adze_cli_out);
  return ADZE_CLI_FINE;
}

static int
run_key (adze_cli *cli, const adze_cli_arguments *arguments)
{
  const char *path = arguments->words[0];
  adze_error *error = adze_key_make (path);
  if (error)
    return adze_cli_fail (cli, error);
  if (cli->json)
    return print_key_json (cli, path);
  adze_cli_print (&cli->out, ADZE_CLI_PLAIN, path);
  fputs (": the secret key, to sign with; keep it to yourself\n", adze_cli_out);
  adze_cli_print (&cli->out, ADZE_CLI_PLAIN, path);
  fputs (".pub: the public key, for the folders of trusted keys of others\n", adze_cli_out);
  return ADZE_CLI_FINE;
}

const adze_cli_verb adze_cli_plugin_key = {
  .name = "plugin key",
  .usage = "FILE",
  .summary = "make a pair of keys to sign plugins with",
  .about = "Makes a pair of Ed25519 keys: FILE, which signs and is for its owner alone, and "
           "FILE.pub, which others put into a folder of trusted keys.",
  .least = 1,
  .most = 1,
  .run = run_key,
};
