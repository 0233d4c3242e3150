/* SPDX-License-Identifier: Apache-2.0 */
/* Techniques that take a whole model and may do other than they say, for tests of what a host notices
 * once such a stage has ended. All do the same and differ in what they claim:
 *
 *   cheat-run      says nothing of traits
 *   cheat-claims   claims to preserve adze.sparsity/1
 *   cheat-breaks   says that it breaks adze.sparsity/1
 *
 * With says = "..." all three say that each of their tensors has a trait (adze/draft/claim.h).
 */
#include <stdlib.h>
#include <string.h>

#include <adze/sdk.h>

static const adze_param cheat_params[] = {
  { .name = "do",
    .type = ADZE_PARAM_CHOICE,
    .preset = "keep",
    .choices = "keep|negate|add|spread",
    .help = "what becomes of the numbers" },
  { .name = "only",
    .type = ADZE_PARAM_STRING,
    .preset = "",
    .help = "the name of the one tensor that it is done to; \"\": to all" },
  { .name = "backwards",
    .type = ADZE_PARAM_BOOL,
    .preset = "false",
    .help = "give the last tensor first" },
  { .name = "prefix",
    .type = ADZE_PARAM_STRING,
    .preset = "",
    .help = "what the names of the tensors begin with anew" },
  { .name = "says", .type = ADZE_PARAM_STRING, .preset = "", .help = "the id of a trait that it gives its tensors" },
  { .name = "with", .type = ADZE_PARAM_STRING, .preset = "", .help = "the JSON of that trait" },
  { .name = "times", .type = ADZE_PARAM_INT, .preset = "1", .range = "[1, 2]", .help = "how often it says so" },
  { .name = "early", .type = ADZE_PARAM_BOOL, .preset = "false", .help = "say so before the tensor is given" },
  { .name = "report", .type = ADZE_PARAM_BOOL, .preset = "false", .help = "give a report as well" },
  { .name = NULL }
};

static const adze_port cheat_ports[]
    = { { .name = "model",
          .type = "model",
          .direction = ADZE_PORT_IN,
          .required = 1,
          .help = "what goes in" },
        { .name = "model", .type = "model", .direction = ADZE_PORT_OUT, .help = "what comes out" },
        { .name = "word", .type = "report", .direction = ADZE_PORT_OUT, .help = "an empty report" },
        { .name = NULL } };

typedef struct cheat {
  const char *what, *only, *prefix, *says, *with; /* the host's */
  int64_t times;
  bool backwards, report, early;
} cheat;

static adze_status
create (const adze_host *host, const adze_params *params, void **instance)
{
  cheat *self = host->allocate (host, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "no room for its state");
  *self = (cheat){ .what = adze_param_string (host, params, "do"),
                   .only = adze_param_string (host, params, "only"),
                   .prefix = adze_param_string (host, params, "prefix"),
                   .says = adze_param_string (host, params, "says"),
                   .with = adze_param_string (host, params, "with"),
                   .times = adze_param_int (host, params, "times"),
                   .early = adze_param_bool (host, params, "early"),
                   .backwards = adze_param_bool (host, params, "backwards"),
                   .report = adze_param_bool (host, params, "report") };
  *instance = self;
  return ADZE_OK;
}

static void
destroy (const adze_host *host, void *instance)
{
  host->release (host, instance);
}

static void
change (const cheat *self, const adze_tensor_meta *meta, float *numbers)
{
  bool meant = self->only[0] == '\0' || strcmp (self->only, meta->name) == 0;
  bool floats = meta->dtype.code == ADZE_FLOAT && meta->dtype.bits == 32 && !meta->codec;
  if (!meant || !floats || strcmp (self->what, "keep") == 0)
    return;
  for (size_t i = 0; i < (size_t)meta->byte_size / sizeof *numbers; i++)
    numbers[i] = strcmp (self->what, "add") == 0      ? numbers[i] + 1
                 : strcmp (self->what, "spread") == 0 ? numbers[i] + (float)(i % 2)
                                                      : -numbers[i];
}

static adze_status
say (const adze_host *host, const cheat *self, adze_context *context, const char *name)
{
  adze_status status = ADZE_OK;
  for (int64_t i = 0; status == ADZE_OK && self->says[0] && i < self->times; i++)
    status = adze_claim_of (host)->trait (host, context, "model", name, self->says, self->with);
  return status;
}

static adze_status
hand_on (const adze_host *host, const cheat *self, adze_context *context, size_t index)
{
  const adze_run_service *run = adze_run_of (host);
  adze_artifact *model = run->input (host, context, "model");
  adze_tensor_meta meta = *run->tensor (host, model, index);
  char name[300];
  float *numbers = host->allocate (host, (size_t)meta.byte_size + 1);
  if (!numbers)
    return adze_fail (host, ADZE_E_MEMORY, "no room for '%s'", meta.name);
  adze_status status = run->read_tensor (host, model, index, 0, numbers, (size_t)meta.byte_size);
  change (self, &meta, numbers);
  snprintf (name, sizeof name, "%s%s", self->prefix, meta.name);
  meta.name = name;
  if (status == ADZE_OK && self->early)
    status = say (host, self, context, name);
  if (status == ADZE_OK)
    status = run->give_tensor (host, context, "model", &meta, numbers);
  if (status == ADZE_OK && !self->early)
    status = say (host, self, context, name);
  host->release (host, numbers);
  return status;
}

static adze_status
run_cheat (const adze_host *host, void *instance, adze_context *context)
{
  const adze_run_service *run = adze_run_of (host);
  const cheat *self = instance;
  adze_status status = ADZE_OK;
  size_t count = run->tensor_count (host, run->input (host, context, "model"));
  for (size_t i = 0; status == ADZE_OK && i < count; i++)
    status = hand_on (host, self, context, self->backwards ? count - 1 - i : i);
  if (status == ADZE_OK && self->report)
    status = run->give_bytes (host, context, "word", "{}\n", 3);
  return status;
}

/* ---- The plugin. */

static const char *const sparsity[] = { ADZE_TRAIT_SPARSITY, NULL };

#define CHEAT(variable, name, text, ...) \
  static const adze_technique variable = { .struct_size = sizeof variable, \
                                           .effect = ADZE_CHANGES, \
                                           .ports = cheat_ports, \
                                           .port_size = sizeof (adze_port), \
                                           .create = create, \
                                           .destroy = destroy, \
                                           .run = run_cheat, \
                                           __VA_ARGS__ }; \
  static const adze_component variable##_component = { \
    .struct_size = sizeof variable##_component, \
    .kind_revision = ADZE_TECHNIQUE_REVISION, \
    .kind = ADZE_TECHNIQUE, \
    .id = name, \
    .summary = text, \
    .params = cheat_params, \
    .param_size = sizeof (adze_param), \
    .threading = ADZE_THREADS_PARALLEL, \
    .callbacks = &variable, \
  }

CHEAT (silent, "cheat-run", "gives a model and says nothing of traits", .preserves = NULL);
CHEAT (claims, "cheat-claims", "gives a model and claims to keep zeros", .preserves = sparsity);
CHEAT (breaks, "cheat-breaks", "gives a model and says it keeps no zeros", .breaks = sparsity);

static const adze_component *const components[]
    = { &silent_component, &claims_component, &breaks_component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,        .id = "cheat",
  .version = "1.0",        .summary = "for tests of what a host notices of whole models",
  .license = "Apache-2.0", .components = components,
};

ADZE_PLUGIN_REGISTER (cheat, plugin);
