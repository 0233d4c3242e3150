/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked for: a parameter that would play no part is refused, and so is a pattern that meets no layer. */
#include <fnmatch.h>
#include <string.h>

#include "static.h"

/* ---- The parameters. */

static static_range
range_named (const char *name)
{
  static const char *const names[] = { "min-max", "moving-average", "percentile", "entropy", "mse" };
  uint32_t i = 0;
  while (strcmp (names[i], name) != 0)
    i++;
  return (static_range)i;
}

static adze_status
plays_no_part (const adze_host *host, const char *name, const char *why)
{
  return adze_fail (host, ADZE_E_PARAM, "parameter '%s' plays no part %s; leave it out", name, why);
}

/* A number that belongs to one choice alone; 0: it was not given, and is PRESET. */
static adze_status
read_number (const adze_host *host, const adze_params *params, const char *name, bool used, const char *needed,
             double preset, double *number)
{
  char why[80];
  *number = adze_param_float (host, params, name);
  snprintf (why, sizeof why, "without %s", needed);
  if (*number != 0 && !used)
    return plays_no_part (host, name, why);
  *number = *number != 0 ? *number : preset;
  return ADZE_OK;
}

static adze_status
check_without_inputs (const adze_host *host, const static_settings *settings)
{
  static const char why[] = "with activations = \"float\"";
  if (settings->inputs)
    return ADZE_OK;
  if (settings->range != RANGE_MIN_MAX)
    return plays_no_part (host, "range", why);
  if (settings->symmetric)
    return plays_no_part (host, "symmetric", why);
  if (settings->smooth != 0)
    return plays_no_part (host, "smooth", why);
  if (settings->integers)
    return adze_fail (host, ADZE_E_PARAM,
                      "form = \"integers\" needs codes on both sides of a product, and with activations = \"float\" "
                      "weights alone become codes; needed is activations = \"u8\" or \"s8\", or form = \"qdq\"");
  return ADZE_OK;
}

static adze_status
read_ranges (const adze_host *host, const adze_params *params, static_settings *settings)
{
  const char *activations = adze_param_string (host, params, "activations");
  settings->inputs = strcmp (activations, "float") != 0;
  settings->inputs_signed = strcmp (activations, "s8") == 0;
  settings->symmetric = adze_param_bool (host, params, "symmetric");
  settings->range = range_named (adze_param_string (host, params, "range"));
  settings->integers = strcmp (adze_param_string (host, params, "form"), "integers") == 0;
  settings->smooth = adze_param_float (host, params, "smooth");
  adze_status status = read_number (host, params, "percentile", settings->range == RANGE_PERCENTILE,
                                    "range = \"percentile\"", 99.99, &settings->percentile);
  if (status == ADZE_OK)
    status = read_number (host, params, "averaging", settings->range == RANGE_MOVING, "range = \"moving-average\"",
                          0.1, &settings->averaging);
  return status == ADZE_OK ? check_without_inputs (host, settings) : status;
}

static adze_status
read_static (const adze_host *host, const adze_params *params, static_settings *settings)
{
  settings->per_channel = strcmp (adze_param_string (host, params, "per"), "channel") == 0;
  settings->adaround = strcmp (adze_param_string (host, params, "rounding"), "adaround") == 0;
  settings->equalise = adze_param_bool (host, params, "equalise");
  adze_status status = read_ranges (host, params, settings);
  return status == ADZE_OK ? read_number (host, params, "damping", settings->adaround, "rounding = \"adaround\"", 0.01,
                                          &settings->damping)
                           : status;
}

static void
read_gptq (const adze_host *host, const adze_params *params, static_settings *settings)
{
  settings->gptq = settings->per_channel = true;
  settings->act_order = adze_param_bool (host, params, "act-order");
  settings->block = (uint32_t)adze_param_int (host, params, "block");
  settings->group = (uint32_t)adze_param_int (host, params, "group");
  settings->damping = adze_param_float (host, params, "damping");
}

adze_status
static_settings_read (const adze_host *host, const adze_params *params, bool gptq, static_settings *settings)
{
  *settings = (static_settings){
    .bits = (uint32_t)adze_param_int (host, params, "weight-bits"),
    .weights_mse = strcmp (adze_param_string (host, params, "weight-range"), "mse") == 0,
    .samples = (uint64_t)adze_param_int (host, params, "samples"),
    .correct = adze_param_bool (host, params, "bias-correction"),
  };
  if (!gptq)
    return read_static (host, params, settings);
  read_gptq (host, params, settings);
  return ADZE_OK;
}

/* ---- Which layers are meant. */

static bool
meets (const char *pattern, const char *name, const char *weight)
{
  return fnmatch (pattern, name, 0) == 0 || fnmatch (pattern, weight, 0) == 0;
}

static bool
is_listed (const adze_host *host, const adze_params *list, const char *name, const char *weight)
{
  const adze_params_service *service = adze_params_of (host);
  for (size_t i = 0; i < service->count (list); i++)
    if (meets (service->get_string (list, service->name_at (list, i)), name, weight))
      return true;
  return false;
}

static bool
has_op (const adze_host *host, const adze_params *list, const char *op)
{
  const adze_params_service *service = adze_params_of (host);
  for (size_t i = 0; i < service->count (list); i++)
    if (strcmp (service->get_string (list, service->name_at (list, i)), op) == 0)
      return true;
  return false;
}

adze_status
static_bits_of (const static_run *s, const char *name, const char *weight, const char *op, uint32_t *bits)
{
  const adze_params_service *service = adze_params_of (s->host);
  const adze_params *map = service->get_nested (s->params, "bits"), *ops = service->get_nested (s->params, "ops");
  const char *by = NULL;
  bool left = !has_op (s->host, ops, op)
              || is_listed (s->host, service->get_nested (s->params, "float"), name, weight);
  *bits = left ? 0 : s->set.bits;
  for (size_t i = 0; i < service->count (map); i++) {
    const char *pattern = service->name_at (map, i);
    if (!meets (pattern, name, weight))
      continue;
    if (left || by)
      return adze_fail (s->host, ADZE_E_PARAM,
                        "parameter 'bits': \"%s\" means the layer '%s', and so does %s%s%s; needed is one of them",
                        pattern, name, by ? "\"" : "parameter '", by ? by : has_op (s->host, ops, op) ? "float" : "ops",
                        by ? "\"" : "', which leaves it as it is");
    by = pattern;
    *bits = (uint32_t)service->get_int (map, pattern);
  }
  return ADZE_OK;
}

bool
static_keeps_zeros (const static_run *s, const char *name, const char *weight)
{
  return s->set.gptq && is_listed (s->host, adze_params_of (s->host)->get_nested (s->params, "keep-zeros"), name, weight);
}

/* ---- Has each pattern met a layer? */

static adze_status
check_pattern (const static_run *s, const char *param, const char *pattern)
{
  for (size_t i = 0; i < s->layer_count; i++)
    if (meets (pattern, s->layers[i].name, s->layers[i].weight_name))
      return ADZE_OK;
  return adze_fail (s->host, ADZE_E_PARAM,
                    "parameter '%s': \"%s\" means no layer of the network, neither by its node nor by its weight; "
                    "its first one is '%s' with the weight '%s'",
                    param, pattern, s->layer_count ? s->layers[0].name : "",
                    s->layer_count ? s->layers[0].weight_name : "");
}

/* What is kept is kept from being rounded. */
static adze_status
check_zeros (const static_run *s, const char *pattern)
{
  for (size_t i = 0; i < s->layer_count; i++)
    if (s->layers[i].bits > 0 && meets (pattern, s->layers[i].name, s->layers[i].weight_name))
      return ADZE_OK;
  return adze_fail (s->host, ADZE_E_PARAM,
                    "parameter 'keep-zeros': \"%s\" means only layers that 'float' and 'ops' leave as they are, zeros "
                    "and all; leave it out",
                    pattern);
}

static adze_status
check_list (const static_run *s, const char *param)
{
  const adze_params_service *service = adze_params_of (s->host);
  const adze_params *list = service->get_nested (s->params, param);
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < service->count (list); i++)
    status = check_pattern (s, param, service->get_string (list, service->name_at (list, i)));
  return status;
}

adze_status
static_check_patterns (const static_run *s)
{
  const adze_params_service *service = adze_params_of (s->host);
  const adze_params *map = service->get_nested (s->params, "bits");
  adze_status status = check_list (s, "float");
  if (status == ADZE_OK && s->set.gptq)
    status = check_list (s, "keep-zeros");
  const adze_params *zeros = s->set.gptq ? service->get_nested (s->params, "keep-zeros") : NULL;
  for (size_t i = 0; status == ADZE_OK && zeros && i < service->count (zeros); i++)
    status = check_zeros (s, service->get_string (zeros, service->name_at (zeros, i)));
  for (size_t i = 0; status == ADZE_OK && i < service->count (map); i++)
    status = check_pattern (s, "bits", service->name_at (map, i));
  return status;
}
