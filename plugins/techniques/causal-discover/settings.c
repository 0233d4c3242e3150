/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c: parameters as numbers, and which of them play a part. */
#include <stdio.h>
#include <string.h>

#include "discover.h"

static uint32_t
choice (const adze_host *host, const adze_params *params, const char *name, const char *const *words)
{
  const char *chosen = adze_param_string (host, params, name);
  uint32_t number = 0;
  while (words[number] && strcmp (words[number], chosen) != 0)
    number++;
  return number;
}

bool
discover_is_discrete (const discover_settings *s)
{
  if (s->method == DISCOVER_PC)
    return s->test == DISCOVER_CHI_SQUARE || s->test == DISCOVER_G_SQUARE;
  return s->method == DISCOVER_GES && s->score != DISCOVER_BIC;
}

/* ---- Lists. Their entries are found by number, since they have the order of their names otherwise. */

size_t
discover_text_count (const adze_host *host, const adze_params *params, const char *name)
{
  const adze_params_service *service = adze_params_of (host);
  return service->count (service->get_nested (params, name));
}

const char *
discover_text_at (const adze_host *host, const adze_params *params, const char *name, size_t i)
{
  const adze_params_service *service = adze_params_of (host);
  char number[24];
  snprintf (number, sizeof number, "%zu", i);
  return service->get_string (service->get_nested (params, name), number);
}

/* ---- What says nothing is refused. */

typedef struct only_with {
  const char *name, *chooser, *words;
} only_with;

static adze_status
check_parts (const adze_host *host, const adze_params *params, const discover_settings *s)
{
  static const only_with rows[] = {
    { "test", "method", "pc" },        { "alpha", "method", "pc" },        { "depth", "method", "pc" },
    { "colliders", "method", "pc" },   { "score", "method", "ges" },       { "penalty", "method", "ges" },
    { "equivalent-samples", "method", "ges" },
    { "equivalent-samples", "score", "bdeu" },                             { "penalty", "score", "bic|discrete-bic" },
    { "lambda", "method", "notears" }, { "threshold", "method", "notears" }, { "tolerance", "method", "notears" },
    { "rounds", "method", "notears" }, { "standardise", "method", "notears" }, { "bins", "discretise", "quantile|width" },
  };
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < sizeof rows / sizeof rows[0]; i++)
    status = adze_param_only_with (host, params, rows[i].name, rows[i].chooser, rows[i].words);
  if (status != ADZE_OK)
    return status;
  if (s->cut != DISCOVER_UNCUT && !discover_is_discrete (s))
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'discretise': numbers are cut up, and this test or score wants them as they are; take "
                      "test = \"chi-square\" or \"g-square\", score = \"discrete-bic\" or \"bdeu\", or leave it out");
  if (s->method != DISCOVER_PC || s->test != DISCOVER_ORACLE)
    return ADZE_OK;
  static const char *const of_tables[] = { "alpha", "missing", "bootstrap", "columns" };
  for (size_t i = 0; i < sizeof of_tables / sizeof of_tables[0]; i++)
    if (adze_param_is_given (host, params, of_tables[i]))
      return adze_fail (host, ADZE_E_PARAM,
                        "the parameter '%s' is given, and says nothing to test = \"oracle\", which looks at no table; "
                        "leave it out",
                        of_tables[i]);
  return ADZE_OK;
}

adze_status
discover_read_settings (const adze_host *host, const adze_params *params, discover_settings *s)
{
  static const char *const methods[] = { "pc", "ges", "notears", NULL };
  static const char *const tests[] = { "fisher-z", "chi-square", "g-square", "oracle", NULL };
  static const char *const scores[] = { "bic", "discrete-bic", "bdeu", NULL };
  static const char *const colliders[] = { "majority", "conservative", "best", NULL };
  static const char *const cuts[] = { "none", "quantile", "width", NULL };
  const int64_t depth = adze_param_int (host, params, "depth");
  *s = (discover_settings){
    .method = (discover_method)choice (host, params, "method", methods),
    .test = (discover_test)choice (host, params, "test", tests),
    .score = (discover_score)choice (host, params, "score", scores),
    .colliders = (discover_colliders)choice (host, params, "colliders", colliders),
    .cut = (discover_cut)choice (host, params, "discretise", cuts),
    .alpha = adze_param_float (host, params, "alpha"),
    .penalty = adze_param_float (host, params, "penalty"),
    .equivalent_samples = adze_param_float (host, params, "equivalent-samples"),
    .lambda = adze_param_float (host, params, "lambda"),
    .threshold = adze_param_float (host, params, "threshold"),
    .tolerance = adze_param_float (host, params, "tolerance"),
    .depth = depth < 0 ? UINT32_MAX : (uint32_t)depth,
    .bins = (uint32_t)adze_param_int (host, params, "bins"),
    .bootstrap = (uint32_t)adze_param_int (host, params, "bootstrap"),
    .rounds = (uint32_t)adze_param_int (host, params, "rounds"),
    .drop_row = strcmp (adze_param_string (host, params, "missing"), "drop-row") == 0,
    .standardise = adze_param_bool (host, params, "standardise"),
  };
  return check_parts (host, params, s);
}
