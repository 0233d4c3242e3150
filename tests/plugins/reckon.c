/* SPDX-License-Identifier: Apache-2.0 */
/* A technique for tests that computes: it trains a small network for some steps through
 * adze.train/1, computes with it through adze.eval/1, on whichever backend the pipeline names, and
 * gives the bits of all that came out. How many nodes were left to ref is a metric. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <adze/sdk.h>

enum { ROWS = 4, IN = 3, MIDDLE = 5, OUT = 2, STEPS = 20 };

static const adze_dtype f32 = { ADZE_FLOAT, 32, 1 };

/* The batch, which is always the same. */
typedef struct data {
  float x[ROWS * IN];
  int64_t labels[ROWS];
  int64_t x_shape[2], label_shape[1];
  adze_view views[2];
  const adze_view *inputs[2];
} data;

typedef struct network {
  const adze_host *host;
  const adze_graph_service *service;
  adze_context *context;
  adze_graph *graph;
  adze_status status; /* the first that was none of ADZE_OK */
  uint32_t scores;
} network;

static void
make_data (data *d)
{
  *d = (data){ .x_shape = { ROWS, IN }, .label_shape = { ROWS } };
  for (size_t i = 0; i < ROWS * IN; i++)
    d->x[i] = (float)((i * 37) % 11) / 5 - 1;
  for (size_t i = 0; i < ROWS; i++)
    d->labels[i] = (int64_t)(i % OUT);
  d->views[0] = (adze_view){ .data = d->x, .device = { ADZE_DEVICE_CPU, 0 }, .rank = 2,
                             .dtype = f32, .shape = d->x_shape };
  d->views[1] = (adze_view){ .data = d->labels, .device = { ADZE_DEVICE_CPU, 0 }, .rank = 1,
                             .dtype = { ADZE_INT, 64, 1 }, .shape = d->label_shape };
  d->inputs[0] = &d->views[0];
  d->inputs[1] = &d->views[1];
}

static adze_status
next_batch (void *argument, uint64_t epoch, uint64_t number, const adze_view *const **inputs)
{
  data *d = argument;
  (void)epoch;
  *inputs = number < STEPS ? d->inputs : NULL;
  return ADZE_OK;
}

/* ---- The network. */

static uint32_t
weight (network *n, const char *name, int32_t rank, const int64_t *shape)
{
  float numbers[IN * MIDDLE];
  size_t count = 1;
  uint32_t value = ADZE_NONE;
  for (int32_t d = 0; d < rank; d++)
    count *= (size_t)shape[d];
  for (size_t i = 0; i < count; i++)
    numbers[i] = (float)((i * 29 + (unsigned char)name[0]) % 13) / 13 - .3f;
  if (n->status == ADZE_OK)
    n->status = n->service->add_weight (n->host, n->graph, name, f32, rank, shape, &value);
  if (n->status == ADZE_OK)
    n->status
        = n->service->set_data (n->host, n->graph, value, numbers, count * sizeof *numbers);
  return value;
}

static uint32_t
node (network *n, const char *op, uint32_t a, uint32_t b)
{
  const uint32_t inputs[] = { a, b };
  uint32_t output = ADZE_NONE;
  const adze_node_recipe recipe = { .struct_size = sizeof recipe,
                                    .op = op,
                                    .inputs = inputs,
                                    .input_count = b == ADZE_NONE ? 1 : 2,
                                    .output_count = 1 };
  if (n->status == ADZE_OK)
    n->status = n->service->add_node (n->host, n->graph, &recipe, &output);
  return output;
}

static void
build (network *n)
{
  const int64_t x_shape[] = { ROWS, IN }, first[] = { IN, MIDDLE }, second[] = { MIDDLE, OUT };
  uint32_t x = ADZE_NONE;
  n->status = adze_run_of (n->host)->new_graph (n->host, n->context, "reckon", &n->graph);
  if (n->status == ADZE_OK)
    n->status = n->service->add_input (n->host, n->graph, "x", f32, 2, x_shape, &x);
  uint32_t w1 = weight (n, "w1", 2, first), b1 = weight (n, "b1", 1, &first[1]);
  uint32_t w2 = weight (n, "w2", 2, second), b2 = weight (n, "b2", 1, &second[1]);
  uint32_t middle = node (n, "Relu", node (n, "Add", node (n, "MatMul", x, w1), b1), ADZE_NONE);
  n->scores = node (n, "Add", node (n, "MatMul", node (n, "Tanh", middle, ADZE_NONE), w2), b2);
  if (n->status == ADZE_OK)
    n->status = n->service->add_output (n->host, n->graph, n->scores);
  if (n->status == ADZE_OK)
    n->status = n->service->verify (n->host, n->graph);
}

/* ---- Trained and computed with. */

static adze_status
train (network *n, data *d, adze_training **training)
{
  const adze_train_service *service = adze_train_of (n->host);
  uint32_t target, loss;
  const adze_train_settings settings = { .struct_size = sizeof settings,
                                         .optimiser = ADZE_TRAIN_ADAM,
                                         .momentum = .9, .beta1 = .9, .beta2 = .999,
                                         .epsilon = 1e-8,
                                         .schedule = ADZE_TRAIN_CONSTANT,
                                         .rule_size = sizeof (adze_train_weight_rule),
                                         .rate = .05,
                                         .epochs = 1,
                                         .batch = next_batch,
                                         .argument = d };
  adze_status status
      = service->add_target (n->host, n->graph, n->scores, 1, "labels", &target);
  if (status == ADZE_OK)
    status = service->add_loss (n->host, n->graph, ADZE_TRAIN_CROSS_ENTROPY, n->scores, target, 0,
                                &loss);
  if (status == ADZE_OK)
    status = service->open (n->host, n->context, n->graph, loss, &settings, training);
  return status == ADZE_OK ? service->run (n->host, *training) : status;
}

static adze_status
tell (network *n, const adze_view *scores, const adze_eval_facts *facts)
{
  char report[64 * ROWS * OUT] = "";
  size_t used = 0;
  const float *numbers = adze_view_data (scores);
  for (size_t i = 0; i < ROWS * OUT; i++) {
    uint32_t bits;
    memcpy (&bits, &numbers[i], sizeof bits);
    used += (size_t)snprintf (report + used, sizeof report - used, "%08" PRIx32 "\n", bits);
  }
  adze_metric (n->host, "delegated", (double)facts->delegated, NULL);
  return adze_run_of (n->host)->give_bytes (n->host, n->context, "report", report, used);
}

static adze_status
run (const adze_host *host, void *instance, adze_context *context)
{
  const adze_eval_service *eval = adze_eval_of (host);
  network n = { .host = host, .service = adze_graph_of (host), .context = context };
  adze_training *training = NULL;
  adze_evaluation *evaluation = NULL;
  adze_eval_facts facts = { .struct_size = sizeof facts };
  const adze_view *outputs[1];
  data d;
  (void)instance;
  make_data (&d);
  build (&n);
  adze_status status = n.status;
  if (status == ADZE_OK)
    status = train (&n, &d, &training);
  if (status == ADZE_OK)
    status = adze_train_of (host)->give (host, training, n.graph, 0);
  if (status == ADZE_OK)
    status = eval->compile (host, context, n.graph, NULL, &evaluation);
  if (status == ADZE_OK)
    status = eval->execute (host, evaluation, d.inputs, outputs);
  if (status == ADZE_OK)
    status = eval->facts (host, evaluation, &facts);
  return status == ADZE_OK ? tell (&n, outputs[0], &facts) : status;
}

static const adze_port ports[] = {
  { .name = "model", .type = "model", .direction = ADZE_PORT_IN, .help = "is not looked at" },
  { .name = "report", .type = "text", .direction = ADZE_PORT_OUT, .help = "bits of the scores" },
  { .name = NULL }
};

static const adze_technique callbacks = { .struct_size = sizeof callbacks,
                                          .effect = ADZE_INSPECTS,
                                          .ports = ports,
                                          .port_size = sizeof (adze_port),
                                          .run = run };

static const adze_component component = { .struct_size = sizeof component,
                                          .kind_revision = ADZE_TECHNIQUE_REVISION,
                                          .kind = ADZE_TECHNIQUE,
                                          .id = "reckon",
                                          .summary = "Trains and computes a small network",
                                          .threading = ADZE_THREADS_PARALLEL,
                                          .callbacks = &callbacks };
static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = { ADZE_PLUGIN_HEAD,
                                    .id = "reckon",
                                    .version = "1.0.0",
                                    .summary = "Computes",
                                    .license = "Apache-2.0",
                                    .components = components };
ADZE_PLUGIN_REGISTER (reckon, plugin);
