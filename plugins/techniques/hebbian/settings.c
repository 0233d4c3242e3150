/* SPDX-License-Identifier: Apache-2.0 */
/* The parameters of local learning, and those that say nothing to others. */
#include <string.h>

#include "hebbian.h"

const adze_param hebbian_params[] = {
  { .name = "weights", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING,
    .help = "patterns of the weights that learn: those of dense layers (MatMul, Gemm)" },
  { .name = "plasticity", .type = ADZE_PARAM_CHOICE, .preset = "oja",
    .choices = "none|hebb|oja|sanger|bcm|soft-wta|reward",
    .help = "how a weight changes; none: it does not, and homeostasis alone is done" },
  { .name = "epochs", .type = ADZE_PARAM_INT, .preset = "1", .range = "[1, 1000000]",
    .help = "how often each layer goes through all of the data" },
  { .name = "batch", .type = ADZE_PARAM_INT, .preset = "32", .range = "[1, 1048576]", .unit = "examples",
    .help = "whose mean change is made at once; 1: after each" },
  { .name = "rate", .type = ADZE_PARAM_FLOAT, .preset = "0.001", .range = "(0, inf)",
    .help = "what a change is multiplied by" },
  { .name = "schedule", .type = ADZE_PARAM_CHOICE, .preset = "linear", .choices = "constant|linear",
    .help = "the rate stays, or falls to 0 over all epochs of a layer" },
  { .name = "pace", .type = ADZE_PARAM_CHOICE, .preset = "common", .choices = "common|own",
    .help = "of oja and sanger: one rate for all units, or each unit's divided by the mean square of its responses" },
  { .name = "response", .type = ADZE_PARAM_CHOICE, .preset = "linear", .choices = "linear|rectified",
    .help = "of a unit, as hebb, oja, sanger and bcm see it: w x + b, or 0 where that is below 0" },
  { .name = "centre", .type = ADZE_PARAM_CHOICE, .preset = "none", .choices = "none|learn|fold",
    .help = "examples less their mean: not, while it learns, or for good, as part of the bias" },
  { .name = "unit-length", .type = ADZE_PARAM_BOOL, .preset = "false",
    .help = "examples are brought to length 1 while it learns" },
  { .name = "temperature", .type = ADZE_PARAM_FLOAT, .preset = "1", .range = "(0, inf)",
    .help = "of the softmax in which units compete, of soft-wta and reward; the lower, the harder" },
  { .name = "losers", .type = ADZE_PARAM_CHOICE, .preset = "learn", .choices = "learn|unlearn",
    .help = "of soft-wta: units that do not win move a little towards the example as well, or away from it" },
  { .name = "slide", .type = ADZE_PARAM_FLOAT, .preset = "0.1", .range = "(0, 1]",
    .help = "share by which bcm's threshold, and what pace = \"own\" divides by, move to a batch's mean square of responses" },
  { .name = "reward", .type = ADZE_PARAM_STRING, .preset = "",
    .help = "of reward: the column of rewards, or of the right units' numbers" },
  { .name = "reward-is", .type = ADZE_PARAM_CHOICE, .preset = "given", .choices = "given|match",
    .help = "the column's number, or 1 where the unit that acts has that number and 0 elsewhere" },
  { .name = "baseline", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "(-inf, inf)",
    .help = "of reward: what is taken off rewards, or that begins with" },
  { .name = "baseline-rate", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, 1]",
    .help = "of reward: share by which the baseline moves to each reward; 0: it stays" },
  { .name = "trace", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, 1)",
    .help = "of reward: share of what was eligible that still is an example later" },
  { .name = "homeostasis", .type = ADZE_PARAM_CHOICE, .preset = "none", .choices = "none|scaling|excitability",
    .help = "what keeps units active as they should be: all weights of one together, or its bias" },
  { .name = "target-rate", .type = ADZE_PARAM_FLOAT, .preset = "0.1", .range = "(0, inf)",
    .help = "how active: of scaling the mean response above 0, of excitability the share of examples" },
  { .name = "homeostasis-rate", .type = ADZE_PARAM_FLOAT, .preset = "0.05", .range = "(0, 1]",
    .help = "share by which the activity that is known moves to that of a batch" },
  { .name = "consolidation", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, inf)",
    .help = "weights change as if the rate were divided by 1 + this times their importance" },
  { .name = "metaplasticity", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, 1]",
    .help = "a weight's own rate grows by this share where it goes on, and shrinks where it turns" },
  { .name = "measure", .type = ADZE_PARAM_BOOL, .preset = "false",
    .help = "how important each weight is, and give it" },
  { .name = "checkpoint", .type = ADZE_PARAM_INT, .preset = "1", .range = "[0, 1000000]", .unit = "epochs",
    .help = "after so many there is one that a killed run goes on from; 0: none" },
  { .name = "checkpoint-steps", .type = ADZE_PARAM_INT, .preset = "0", .range = "[0, inf)", .unit = "steps",
    .help = "and after so many of these; 0: none" },
  /* Those of adze/draft/feed.h, but for a target, which nobody looks at here. */
  { .name = "input", .type = ADZE_PARAM_STRING, .preset = "",
    .help = "column that the network's input takes; empty: the one called as the input, else \"image\", else "
            "the one beside \"label\" or \"target\"" },
  { .name = "columns", .type = ADZE_PARAM_MAP, .item = ADZE_PARAM_STRING, .preset = "{}",
    .help = "column by the name of an input, for networks with several" },
  { .name = "scale", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, inf)",
    .help = "what inputs are multiplied by first; 0: a 255th for columns of u8, 1 for others" },
  { .name = "mean", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_FLOAT, .preset = "[]", .range = "(-inf, inf)",
    .help = "is taken off inputs then: one number, or one for each channel" },
  { .name = "std", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_FLOAT, .preset = "[]", .range = "(0, inf)",
    .help = "divides inputs last: one number, or one for each channel" },
  { .name = NULL }
};

/* ---- Those that say nothing to others. */

/* What somebody set, and what then plays no part, was meant otherwise. */
static adze_status
check_used (const adze_host *host, const adze_params *params)
{
  static const struct {
    const char *name, *chooser, *choices;
  } uses[] = {
    { "rate", "plasticity", "hebb|oja|sanger|bcm|soft-wta|reward" },
    { "schedule", "plasticity", "hebb|oja|sanger|bcm|soft-wta|reward" },
    { "response", "plasticity", "hebb|oja|sanger|bcm" },
    { "temperature", "plasticity", "soft-wta|reward" },
    { "losers", "plasticity", "soft-wta" },
    { "pace", "plasticity", "oja|sanger" },
    { "reward", "plasticity", "reward" },
    { "reward-is", "plasticity", "reward" },
    { "baseline", "plasticity", "reward" },
    { "baseline-rate", "plasticity", "reward" },
    { "trace", "plasticity", "reward" },
    { "consolidation", "plasticity", "hebb|oja|sanger|bcm|soft-wta|reward" },
    { "metaplasticity", "plasticity", "hebb|oja|sanger|bcm|soft-wta|reward" },
    { "target-rate", "homeostasis", "scaling|excitability" },
    { "homeostasis-rate", "homeostasis", "scaling|excitability" },
  };
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < sizeof uses / sizeof uses[0]; i++)
    status = adze_param_only_with (host, params, uses[i].name, uses[i].chooser, uses[i].choices);
  if (status == ADZE_OK && strcmp (adze_param_string (host, params, "pace"), "own") != 0)
    status = adze_param_only_with (host, params, "slide", "plasticity", "bcm");
  return status;
}

static adze_status
check_together (const adze_host *host, const hebbian_settings *s, const char *reward)
{
  if (s->rule == HEBBIAN_NONE && s->homeostasis == HEBBIAN_NO_HOMEOSTASIS && !s->measures)
    return adze_fail (host, ADZE_E_PARAM,
                      "plasticity = \"none\" and homeostasis = \"none\" change nothing; choose one of them, or "
                      "measure = true to find out how important weights are");
  if (s->rule == HEBBIAN_REWARD && !reward[0])
    return adze_fail (host, ADZE_E_PARAM,
                      "plasticity = \"reward\": nothing says what is rewarded; needed is reward = \"COLUMN\"");
  if (s->homeostasis == HEBBIAN_EXCITABILITY && s->target_rate >= 1)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'target-rate' is %g, and with homeostasis = \"excitability\" a share of the "
                      "examples; needed is a number below 1", s->target_rate);
  if (s->homeostasis == HEBBIAN_EXCITABILITY && s->unit_length && s->rule != HEBBIAN_SOFT_WTA)
    return adze_fail (host, ADZE_E_PARAM,
                      "homeostasis = \"excitability\" finds a bias for examples as they come, and unit-length = "
                      "true has others; leave one of them out");
  if (s->homeostasis == HEBBIAN_EXCITABILITY && s->centre == HEBBIAN_CENTRE_TO_LEARN && s->rule != HEBBIAN_SOFT_WTA)
    return adze_fail (host, ADZE_E_PARAM,
                      "homeostasis = \"excitability\" finds a bias for examples as they come, and centre = "
                      "\"learn\" has others; needed is centre = \"none\", or \"fold\"");
  if (s->homeostasis == HEBBIAN_SCALING && (s->rule == HEBBIAN_SOFT_WTA || s->rule == HEBBIAN_REWARD))
    return adze_fail (host, ADZE_E_PARAM,
                      "homeostasis = \"scaling\" is of responses, and units of this rule have chances in their "
                      "place; leave it out");
  if (s->homeostasis == HEBBIAN_EXCITABILITY && s->rule == HEBBIAN_REWARD)
    return adze_fail (host, ADZE_E_PARAM,
                      "homeostasis = \"excitability\" would act against what is rewarded; leave it out");
  return ADZE_OK;
}

/* ---- All of them. */

static uint32_t
number_of (const adze_host *host, const adze_params *params, const char *name)
{
  const char *chosen = adze_param_string (host, params, name);
  const adze_param *row = hebbian_params;
  size_t size = strlen (chosen);
  uint32_t number = 0;
  while (strcmp (row->name, name) != 0)
    row++;
  for (const char *at = row->choices; strncmp (at, chosen, size) != 0 || (at[size] && at[size] != '|');
       at += strcspn (at, "|") + 1)
    number++;
  return number;
}

adze_status
hebbian_read_settings (const adze_host *host, const adze_params *params, hebbian_settings *set)
{
  const adze_params_service *service = adze_params_of (host);
  *set = (hebbian_settings){
    .rule = number_of (host, params, "plasticity"),
    .homeostasis = number_of (host, params, "homeostasis"),
    .centre = number_of (host, params, "centre"),
    .epochs = (uint64_t)service->get_int (params, "epochs"),
    .rate = service->get_float (params, "rate"),
    .falls = number_of (host, params, "schedule") == 1,
    .own_pace = number_of (host, params, "pace") == 1,
    .rectified = number_of (host, params, "response") == 1,
    .unit_length = service->get_bool (params, "unit-length"),
    .unlearn = number_of (host, params, "losers") == 1,
    .matches = number_of (host, params, "reward-is") == 1,
    .temperature = service->get_float (params, "temperature"),
    .slide = service->get_float (params, "slide"),
    .trace = service->get_float (params, "trace"),
    .baseline = service->get_float (params, "baseline"),
    .baseline_rate = service->get_float (params, "baseline-rate"),
    .target_rate = service->get_float (params, "target-rate"),
    .homeostasis_rate = service->get_float (params, "homeostasis-rate"),
    .consolidation = service->get_float (params, "consolidation"),
    .metaplasticity = service->get_float (params, "metaplasticity"),
    .measures = service->get_bool (params, "measure"),
    .save_epochs = (uint64_t)service->get_int (params, "checkpoint"),
    .save_steps = (uint64_t)service->get_int (params, "checkpoint-steps"),
  };
  adze_status status = check_used (host, params);
  return status == ADZE_OK ? check_together (host, set, adze_param_string (host, params, "reward")) : status;
}
