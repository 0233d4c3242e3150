/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin that the pipelines of these tests are made of: a component of each kind, with
 * parameters of every type and ports of every sort. What they do does not matter: pipelines are read
 * here, and not run. */
#include <string.h>

#include <adze/sdk.h>

/* ---- Techniques. */

static adze_status
leave (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  (void)host, (void)instance, (void)call, (void)input;
  return ADZE_OK;
}

static adze_status
refuse (const adze_host *host, void *instance, adze_context *context)
{
  (void)instance, (void)context;
  return adze_fail (host, ADZE_E_UNSUPPORTED, "this technique is for tests alone");
}

static const adze_param trim_params[] = {
  { .name = "share", .type = ADZE_PARAM_FLOAT, .preset = "0.5", .range = "[0, 1)",
    .help = "share of the weights that go" },
  { .name = "scope", .type = ADZE_PARAM_CHOICE, .preset = "tensor", .choices = "tensor|global",
    .help = "where the share counts" },
  { .name = "steps", .type = ADZE_PARAM_INT, .preset = "1", .range = "[1, 64]",
    .help = "in how many steps" },
  { .name = "exact", .type = ADZE_PARAM_BOOL, .preset = "false", .help = "not one more" },
  { .name = "names", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "what the parts are called" },
  { .name = "limits", .type = ADZE_PARAM_MAP, .item = ADZE_PARAM_FLOAT, .preset = "{}",
    .range = "[0, 1]", .help = "a share for each part" },
  { .name = "mask", .type = ADZE_PARAM_FILE, .preset = "", .help = "what must stay" },
  { .name = "after", .type = ADZE_PARAM_COMPONENT, .preset = "look",
    .component_kind = ADZE_TECHNIQUE, .help = "what is done after each step" },
  { .name = NULL },
};

static const adze_param look_params[] = {
  { .name = "bins", .type = ADZE_PARAM_INT, .preset = "32", .range = "[1, 4096]",
    .help = "how many bars" },
  { .name = NULL },
};

static const adze_param blend_params[] = {
  { .name = "weight", .type = ADZE_PARAM_FLOAT, .range = "[0, 1]", .help = "of the other model" },
  { .name = NULL },
};

static const adze_param learn_params[] = {
  { .name = "epochs", .type = ADZE_PARAM_INT, .preset = "1", .range = "[1, 10000]",
    .help = "how often all the data is seen" },
  { .name = NULL },
};

static const adze_port blend_ports[] = {
  { "model", "model", ADZE_PORT_IN, 1, "the first model" },
  { "other", "model", ADZE_PORT_IN, 1, "the second model" },
  { "model", "model", ADZE_PORT_OUT, 1, "both in one" },
  { .name = NULL },
};

static const adze_port learn_ports[] = {
  { "model", "model", ADZE_PORT_IN, 1, "what learns" },
  { "data", "dataset", ADZE_PORT_IN, 1, "what it learns" },
  { "teacher", "model", ADZE_PORT_IN, 0, "what it learns from" },
  { "held-out", "dataset", ADZE_PORT_IN, 0, "what it is asked afterwards" },
  { "model", "model", ADZE_PORT_OUT, 1, "what has learnt" },
  { "curve", "table", ADZE_PORT_OUT, 1, "how well, epoch by epoch" },
  { .name = NULL },
};

static const adze_port split_ports[] = {
  { "model", "model", ADZE_PORT_IN, 1, "the whole" },
  { "front", "model", ADZE_PORT_OUT, 1, "its first half" },
  { "back", "model", ADZE_PORT_OUT, 1, "its second half" },
  { .name = NULL },
};

#define TECHNIQUE(NAME, EFFECT, PORTS, CALLBACK) \
  static const adze_technique NAME = { \
    .struct_size = sizeof (adze_technique), \
    .effect = EFFECT, \
    .ports = PORTS, \
    .port_size = sizeof (adze_port), \
    CALLBACK, \
  }

TECHNIQUE (trim, ADZE_CHANGES, NULL, .apply = leave);
TECHNIQUE (look, ADZE_INSPECTS, NULL, .apply = leave);
TECHNIQUE (blend, ADZE_CHANGES, blend_ports, .apply = leave);
TECHNIQUE (learn, ADZE_CHANGES, learn_ports, .run = refuse);
TECHNIQUE (split, ADZE_CHANGES, split_ports, .apply = leave);

/* ---- An observer. */

static const adze_param watch_params[] = {
  { .name = "every", .type = ADZE_PARAM_FLOAT, .preset = "1.0", .range = "(0, inf)", .unit = "s",
    .help = "how often it looks" },
  { .name = "log", .type = ADZE_PARAM_OUTPUT_FILE, .preset = "", .help = "what it has seen" },
  { .name = NULL },
};

static adze_status
see (const adze_host *host, void *instance, const adze_event *event)
{
  (void)host, (void)instance, (void)event;
  return ADZE_OK;
}

static const adze_observer watch = { .struct_size = sizeof watch, .event = see };

/* ---- A source. */

static const adze_param rows_params[] = {
  { .name = "file", .type = ADZE_PARAM_FILE, .help = "the rows" },
  { .name = "header", .type = ADZE_PARAM_BOOL, .preset = "true", .help = "the first row is none" },
  { .name = NULL },
};

static adze_status
rows_open (const adze_host *host, const adze_params *params, adze_schema *schema, void **instance)
{
  (void)params, (void)schema, (void)instance;
  return adze_fail (host, ADZE_E_UNSUPPORTED, "these rows are for tests alone");
}

static void
rows_close (const adze_host *host, void *instance)
{
  (void)host, (void)instance;
}

static adze_status
rows_read (const adze_host *host, void *instance, const uint64_t *examples, size_t count,
           adze_batch *batch)
{
  (void)host, (void)instance, (void)examples, (void)count, (void)batch;
  return ADZE_OK;
}

static const adze_source rows = {
  .struct_size = sizeof rows,
  .open = rows_open,
  .close = rows_close,
  .read = rows_read,
};

/* ---- A format. */

static const adze_param blob_params[] = {
  { .name = "alignment", .type = ADZE_PARAM_INT, .preset = "32", .range = "[1, 4096]",
    .unit = "bytes", .help = "where tensors may begin, when it is written" },
  { .name = NULL },
};

static int
blob_recognise (const char *name, const void *head, size_t size)
{
  (void)name;
  return size >= 4 && memcmp (head, "BLOB", 4) == 0 ? 2 : 0;
}

static adze_status
blob_read (const adze_host *host, const adze_params *params, adze_file *file,
           adze_catalog *catalog)
{
  (void)params, (void)file, (void)catalog;
  return adze_fail (host, ADZE_E_UNSUPPORTED, "these models are for tests alone");
}

static adze_status
blob_write (const adze_host *host, const adze_params *params, const adze_cargo *cargo,
            adze_layout *layout)
{
  (void)params, (void)cargo, (void)layout;
  return adze_fail (host, ADZE_E_UNSUPPORTED, "these models are for tests alone");
}

static const adze_format blob = {
  .struct_size = sizeof blob,
  .extensions = "blob",
  .recognise = blob_recognise,
  .read = blob_read,
  .write = blob_write,
};

/* ---- All of them. */

#define COMPONENT(NAME, KIND, REVISION, PARAMS, SUMMARY) \
  static const adze_component NAME##_component = { \
    .struct_size = sizeof (adze_component), \
    .kind_revision = REVISION, \
    .kind = KIND, \
    .id = #NAME, \
    .summary = SUMMARY, \
    .params = PARAMS, \
    .param_size = sizeof (adze_param), \
    .threading = ADZE_THREADS_PARALLEL, \
    .callbacks = &NAME, \
  }

COMPONENT (trim, ADZE_TECHNIQUE, ADZE_TECHNIQUE_REVISION, trim_params, "takes weights away");
COMPONENT (look, ADZE_TECHNIQUE, ADZE_TECHNIQUE_REVISION, look_params, "counts weights");
COMPONENT (blend, ADZE_TECHNIQUE, ADZE_TECHNIQUE_REVISION, blend_params, "mixes two models");
COMPONENT (learn, ADZE_TECHNIQUE, ADZE_TECHNIQUE_REVISION, learn_params, "trains a model");
COMPONENT (split, ADZE_TECHNIQUE, ADZE_TECHNIQUE_REVISION, NULL, "makes two of one");
COMPONENT (watch, ADZE_OBSERVER, ADZE_OBSERVER_REVISION, watch_params, "sees what happens");
COMPONENT (rows, ADZE_SOURCE, ADZE_SOURCE_REVISION, rows_params, "reads rows of numbers");
COMPONENT (blob, ADZE_FORMAT, ADZE_FORMAT_REVISION, blob_params, "keeps models as they come");

static const adze_component *const components[]
    = { &trim_component,  &look_component, &blend_component, &learn_component, &split_component,
        &watch_component, &rows_component, &blob_component,  NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "parts",
  .version = "1.0.0",
  .summary = "Parts for pipelines under test",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (parts, plugin);
