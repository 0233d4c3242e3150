/* SPDX-License-Identifier: Apache-2.0 */
/* Techniques that depend on more than a model, for tests of what is kept and what is done again.
 *
 *   pupil-shift   adds the number that its file holds to every f32
 *   pupil-learn   run: adds rate times the mean of the data's first column to every f32; gives the
 *                 model and stats, saves a checkpoint, and tells everything that can be told
 *   pupil-quote   run: gives a report that quotes the stats that it was given
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <adze/sdk.h>

/* ---- What a file says. */

/* A build with another one of these is another plugin, and shifts further. */
#ifndef MORE
#define MORE 0
#endif

static const adze_param shift_params[] = {
  { .name = "amount", .type = ADZE_PARAM_FILE, .help = "holds the number that is added" },
  { .name = NULL }
};

static adze_status
shift_create (const adze_host *host, const adze_params *params, void **instance)
{
  float *amount = host->allocate (host, sizeof *amount);
  if (!amount)
    return adze_fail (host, ADZE_E_MEMORY, "no room for a number");
  *instance = amount;
  const char *path = adze_param_string (host, params, "amount");
  FILE *file = fopen (path, "r");
  int read = file ? fscanf (file, "%f", amount) : 0;
  if (file)
    fclose (file);
  return read == 1 ? ADZE_OK : adze_fail (host, ADZE_E_FORMAT, "%s holds no number", path);
}

static void
release (const adze_host *host, void *instance)
{
  host->release (host, instance);
}

static adze_status
shift_apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  adze_view out;
  if (!adze_view_is (&input->view, ADZE_FLOAT, 32))
    return ADZE_OK;
  adze_status status = adze_call_output_like (host, call, input, &out);
  if (status != ADZE_OK)
    return status;
  const float *from = adze_view_data (&input->view);
  float *to = adze_view_data (&out);
  for (size_t i = 0; i < adze_view_count (&out); i++)
    to[i] = from[i] + *(float *)instance + MORE;
  return ADZE_OK;
}

static const adze_technique shift = {
  .struct_size = sizeof shift,
  .effect = ADZE_CHANGES,
  .grain = ADZE_GRAIN_ELEMENT,
  .create = shift_create,
  .destroy = release,
  .apply = shift_apply,
};

/* ---- What data says. */

static const adze_param learn_params[] = {
  { .name = "rate", .type = ADZE_PARAM_FLOAT, .preset = "0.5", .help = "share of the mean" },
  { .name = "fall", .type = ADZE_PARAM_BOOL, .preset = "false", .help = "tell of a fallback" },
  { .name = "notes", .type = ADZE_PARAM_FILE, .preset = "", .help = "is not looked at" },
  { .name = "spoil", .type = ADZE_PARAM_STRING, .preset = "",
    .help = "path of a file that it writes to while it runs" },
  { .name = "twice", .type = ADZE_PARAM_BOOL, .preset = "false", .help = "give the stats twice" },
  { .name = NULL }
};

static const adze_port learn_ports[] = {
  { .name = "model", .type = "model", .direction = ADZE_PORT_IN, .required = 1,
    .help = "what is to learn" },
  { .name = "data", .type = "dataset", .direction = ADZE_PORT_IN, .required = 1,
    .help = "what it learns from" },
  { .name = "model", .type = "model", .direction = ADZE_PORT_OUT, .help = "what has learnt" },
  { .name = "stats", .type = "stats", .direction = ADZE_PORT_OUT, .help = "what it has seen" },
  { .name = NULL }
};

typedef struct learner {
  double rate;
  bool fall, twice;
  const char *spoil; /* the host's */
  double sum;
  size_t count;
} learner;

static adze_status
learn_create (const adze_host *host, const adze_params *params, void **instance)
{
  learner *self = host->allocate (host, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "no room for its state");
  *self = (learner){ .rate = adze_param_float (host, params, "rate"),
                     .fall = adze_param_bool (host, params, "fall"),
                     .twice = adze_param_bool (host, params, "twice"),
                     .spoil = adze_param_string (host, params, "spoil") };
  *instance = self;
  return ADZE_OK;
}

static adze_status
learn_batch (const adze_host *host, learner *self, adze_artifact *data, uint64_t number)
{
  const void *values;
  size_t count = 0;
  double sum = 0;
  adze_status status = adze_run_of (host)->batch (host, data, 0, number, 2, 0, &values, &count);
  if (status != ADZE_OK)
    return status;
  for (size_t i = 0; i < count; i++)
    sum += ((const double *)values)[i];
  self->sum += sum;
  self->count += count;
  const adze_field fields[] = {
    { .key = "batch", .type = ADZE_FIELD_INT, .value = { .integer = (int64_t)number } },
    { .key = "sum", .type = ADZE_FIELD_FLOAT, .value = { .real = sum } },
    { .key = "whole", .type = ADZE_FIELD_BOOL, .value = { .boolean = count == 2 } },
  };
  return adze_row (host, "batches", fields, 3);
}

static adze_status
learn_data (const adze_host *host, learner *self, adze_context *context)
{
  const adze_run_service *run = adze_run_of (host);
  adze_artifact *data = run->input (host, context, "data");
  const adze_column *column = data ? run->column (host, data, 0) : NULL;
  adze_status status = ADZE_OK;
  if (!column || column->is_text || column->dtype.code != ADZE_FLOAT || column->dtype.bits != 64)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "the first column must be f64");
  for (uint64_t i = 0; status == ADZE_OK && i < run->batches (host, data, 2); i++)
    status = learn_batch (host, self, data, i);
  return status;
}

static adze_status
learn_tensor (const adze_host *host, adze_context *context, adze_artifact *model, size_t index,
              float step)
{
  const adze_run_service *run = adze_run_of (host);
  const adze_tensor_meta *meta = run->tensor (host, model, index);
  char *bytes = host->allocate (host, (size_t)meta->byte_size + 1);
  if (!bytes)
    return adze_fail (host, ADZE_E_MEMORY, "no room for '%s'", meta->name);
  adze_status status
      = run->read_tensor (host, model, index, 0, bytes, (size_t)meta->byte_size);
  bool number = meta->dtype.code == ADZE_FLOAT && meta->dtype.bits == 32 && !meta->codec;
  for (size_t i = 0; number && i < (size_t)meta->byte_size / sizeof (float); i++)
    ((float *)bytes)[i] += step;
  const adze_field fields[] = {
    { .key = "step", .type = ADZE_FIELD_FLOAT, .value = { .real = step } },
    { .key = "why", .type = ADZE_FIELD_STRING, .value = { .string = "the data say so" } },
  };
  if (status == ADZE_OK)
    status = adze_decided (host, meta->name, fields, 2);
  if (status == ADZE_OK)
    status = run->give_tensor (host, context, "model", meta, bytes);
  host->release (host, bytes);
  return status;
}

static adze_status
learn_tell (const adze_host *host, const learner *self, adze_context *context)
{
  char text[200];
  double mean = self->sum / (double)self->count;
  adze_metric (host, "examples", (double)self->count, NULL);
  adze_metric (host, "mean", mean, NULL);
  adze_metric (host, "size", 1024, "bytes");
  adze_metric (host, "loss", NAN, NULL);
  adze_metric (host, "bound", -INFINITY, NULL);
  adze_achieved (host, "mean", 1.0, mean);
  if (self->fall)
    adze_fallback (host, NULL, "the median", "the mean", "it is near");
  int size = snprintf (text, sizeof text, "{\"examples\": %zu, \"mean\": %.17g}\n", self->count,
                       mean);
  adze_status status
      = adze_run_of (host)->give_bytes (host, context, "stats", text, (size_t)size);
  if (status == ADZE_OK && self->twice)
    status = adze_run_of (host)->give_bytes (host, context, "stats", text, (size_t)size);
  return status;
}

static void
spoil_file (const char *path)
{
  FILE *file = path[0] ? fopen (path, "a") : NULL;
  if (file) {
    fputs ("9.5,9\n", file);
    fclose (file);
  }
}

static adze_status
learn_run (const adze_host *host, void *instance, adze_context *context)
{
  const adze_run_service *run = adze_run_of (host);
  learner *self = instance;
  self->sum = 0;
  self->count = 0;
  adze_status status = learn_data (host, self, context);
  spoil_file (self->spoil);
  if (status == ADZE_OK)
    status = run->save (host, context, "sum", &self->sum, sizeof self->sum);
  adze_artifact *model = run->input (host, context, "model");
  for (size_t i = 0; status == ADZE_OK && i < run->tensor_count (host, model); i++)
    status = learn_tensor (host, context, model, i,
                           (float)(self->rate * self->sum / (double)self->count));
  return status == ADZE_OK ? learn_tell (host, self, context) : status;
}

static const adze_technique learn = {
  .struct_size = sizeof learn,
  .effect = ADZE_CHANGES,
  .ports = learn_ports,
  .port_size = sizeof (adze_port),
  .create = learn_create,
  .destroy = release,
  .run = learn_run,
};

/* ---- What another stage says. */

static const adze_param quote_params[] = {
  { .name = "times", .type = ADZE_PARAM_INT, .preset = "1", .help = "is told as a metric" },
  { .name = NULL }
};

static const adze_port quote_ports[] = {
  { .name = "stats", .type = "stats", .direction = ADZE_PORT_IN, .required = 1,
    .help = "what is quoted" },
  { .name = "report", .type = "report", .direction = ADZE_PORT_OUT, .help = "the quotation" },
  { .name = NULL }
};

static adze_status
quote_create (const adze_host *host, const adze_params *params, void **instance)
{
  int64_t *times = host->allocate (host, sizeof *times);
  if (!times)
    return adze_fail (host, ADZE_E_MEMORY, "no room for a number");
  *times = adze_param_int (host, params, "times");
  *instance = times;
  return ADZE_OK;
}

static adze_status
quote_run (const adze_host *host, void *instance, adze_context *context)
{
  const adze_run_service *run = adze_run_of (host);
  adze_artifact *stats = run->input (host, context, "stats");
  const void *text;
  size_t size = 0;
  char report[400];
  if (!stats)
    return adze_fail (host, ADZE_E_NOT_FOUND, "there are no stats");
  adze_status status = run->bytes (host, stats, &text, &size);
  if (status != ADZE_OK)
    return status;
  int length = snprintf (report, sizeof report, "{\"quoted\": %.*s}\n", (int)size,
                         (const char *)text);
  adze_metric (host, "times", (double)*(const int64_t *)instance, NULL);
  return run->give_bytes (host, context, "report", report, (size_t)length);
}

static const adze_technique quote = {
  .struct_size = sizeof quote,
  .effect = ADZE_INSPECTS,
  .ports = quote_ports,
  .port_size = sizeof (adze_port),
  .create = quote_create,
  .destroy = release,
  .run = quote_run,
};

/* ---- The plugin. */

#define PUPIL(name, text, table) \
  static const adze_component table##_component = { \
    .struct_size = sizeof table##_component, \
    .kind_revision = ADZE_TECHNIQUE_REVISION, \
    .kind = ADZE_TECHNIQUE, \
    .id = name, \
    .summary = text, \
    .params = table##_params, \
    .param_size = sizeof (adze_param), \
    .threading = ADZE_THREADS_PARALLEL, \
    .callbacks = &table, \
  }

PUPIL ("pupil-shift", "adds what a file says", shift);
PUPIL ("pupil-learn", "adds what data say", learn);
PUPIL ("pupil-quote", "repeats what a stage says", quote);

static const adze_component *const components[]
    = { &shift_component, &learn_component, &quote_component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "pupil",
  .version = "1.0",
  .summary = "for tests of what is kept",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (pupil, plugin);
