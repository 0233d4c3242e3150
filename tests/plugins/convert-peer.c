/* SPDX-License-Identifier: Apache-2.0 */
/* convert-peer FORMAT SETTINGS [IN OUT]...: writes each model IN as OUT in FORMAT, SETTINGS being
 * TOML. Many at once, for tests that go through a whole collection of models. */
#include <stdio.h>
#include <string.h>

#include <adze/host.h>

#include "artifact/format.h"
#include "base/toml.h"

static int
fails (adze_error *error)
{
  if (!error)
    return 0;
  ADZE_AUTO_FREE char *text = adze_error_text (error);
  fprintf (stderr, "%s\n", text ? text : "out of memory");
  adze_error_free (error);
  return 1;
}

static int
convert (adze_runtime *runtime, const adze_format_options *options, const char *in, const char *out)
{
  ADZE_AUTO_MODEL model = NULL;
  return fails (adze_model_open (runtime, in, NULL, &model))
         || fails (adze_model_write (runtime, model, out, options));
}

int
main (int argc, char **argv)
{
  if (argc < 3 || argc % 2 == 0)
    return 2;
  adze_runtime_options runtime_options = ADZE_RUNTIME_OPTIONS_INIT;
  adze_runtime *runtime = NULL;
  ADZE_AUTO (adze_document) document = { 0 };
  if (fails (adze_toml_parse ("settings", argv[2], strlen (argv[2]), &document))
      || fails (adze_runtime_open (&runtime_options, &runtime)))
    return 2;
  adze_format_options options
      = { .format = argv[1], .document = &document, .settings = document.root };
  int failed = 0;
  for (int i = 3; i + 1 < argc; i += 2)
    failed |= convert (runtime, &options, argv[i], argv[i + 1]);
  adze_runtime_close (runtime);
  return failed;
}
