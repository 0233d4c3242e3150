/* SPDX-License-Identifier: Apache-2.0 */
/* onednn: a backend on Intel's oneDNN, through its C interface.
 *
 * All nodes that it can do are one part; the host cuts it where others stand in between. Whether a
 * node can be done is asked of oneDNN itself: a node is claimed when the descriptors that it needs
 * can be made.
 */
#include "onednn.h"

#include <stdatomic.h>

#if DNNL_CPU_THREADING_RUNTIME != DNNL_RUNTIME_OMP
#error "needed is a oneDNN that runs on OpenMP, for its threads are counted that way"
#endif

/* ---- Threads. The number belongs to the thread that calls, which is the host's: what it was is
 * put back. A primitive must be executed with as many as it was made for: with fewer, which OpenMP gives on
 * a busy machine where OMP_DYNAMIC allows it, it leaves out what the others were to do. */

typedef struct threads {
  int count, dynamic;
} threads;

static threads
threads_begin (const onednn_self *self)
{
  threads before = { omp_get_max_threads (), omp_get_dynamic () };
  if (self->threads != before.count)
    omp_set_num_threads (self->threads);
  if (before.dynamic)
    omp_set_dynamic (0);
  return before;
}

static void
threads_end (const onednn_self *self, threads before)
{
  if (self->threads != before.count)
    omp_set_num_threads (before.count);
  if (before.dynamic)
    omp_set_dynamic (before.dynamic);
}

static void
count_one (void *argument)
{
  atomic_fetch_add ((atomic_int *)argument, 1);
}

/* A team as primitives will have it: what the environment forbids (OMP_THREAD_LIMIT, OMP_MAX_ACTIVE_LEVELS and
 * the like) nobody can ask for later, and OpenMP ends the process where there can be no more threads. */
static adze_status
try_team (const adze_host *host, const onednn_self *self)
{
  atomic_int count = 0;
  if (self->threads < 2)
    return ADZE_OK;
  if (!onednn_threads_fit ((unsigned)self->threads - 1))
    return adze_fail (host, ADZE_E_MEMORY,
                      "there is no room for %d threads, which oneDNN is to work on; say threads = 1, or allow "
                      "more memory or threads",
                      self->threads);
  threads before = threads_begin (self);
  GOMP_parallel (count_one, &count, (unsigned)self->threads, 0);
  threads_end (self, before);
  if (count == self->threads)
    return ADZE_OK;
  return adze_fail (host, ADZE_E_LIMIT,
                    "oneDNN is to work on %d threads, and the environment gives it %d (OMP_THREAD_LIMIT is %d, "
                    "OMP_MAX_ACTIVE_LEVELS %d); unset that, or say threads = %d",
                    self->threads, count, omp_get_thread_limit (), omp_get_max_active_levels (), count);
}

/* ---- The backend itself. */

static void
destroy (const adze_host *host, void *own)
{
  onednn_self *self = own;
  if (!self)
    return;
  onednn_crowd_close (&self->crowd);
  dnnl_primitive_attr_destroy (self->attributes);
  if (self->stream)
    dnnl_stream_destroy (self->stream);
  if (self->engine)
    dnnl_engine_destroy (self->engine);
  host->release (host, self);
}

/* Without VNNI oneDNN adds products of bytes in pairs of 16 bits, which are cut off where they do not
 * fit: an answer, but a wrong one. */
static bool
has_vnni (void)
{
  unsigned isa = dnnl_get_effective_cpu_isa (), wide = dnnl_cpu_isa_avx512_core_vnni;
  return (isa & wide) == wide || isa == dnnl_cpu_isa_avx2_vnni;
}

/* Whether by instructions for it or, from AVX-512 on, by others that round as those do: with less
 * oneDNN refuses. */
static bool
has_bfloats (void)
{
  unsigned isa = dnnl_get_effective_cpu_isa ();
  return (isa & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core;
}

static adze_status
create (const adze_host *host, const adze_params *params, void **own)
{
  onednn_self *self = host->allocate (host, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "no memory for the backend");
  self->threads = (int)adze_param_int (host, params, "threads");
  if (self->threads == 0)
    self->threads = (int)adze_backend_threads (host);
  adze_status fits = try_team (host, self);
  if (fits != ADZE_OK) {
    host->release (host, self);
    return fits;
  }
  onednn_crowd_open (&self->crowd, self->threads);
  self->integers = has_vnni ();
  self->bfloats = has_bfloats ();
  dnnl_status_t status = dnnl_engine_create (&self->engine, dnnl_cpu, 0);
  if (status == dnnl_success)
    status = dnnl_stream_create (&self->stream, self->engine, dnnl_stream_default_flags);
  if (status == dnnl_success)
    status = dnnl_primitive_attr_create (&self->attributes);
  if (status == dnnl_success)
    status = dnnl_primitive_attr_set_scratchpad_mode (self->attributes, dnnl_scratchpad_mode_user);
  if (status != dnnl_success) {
    destroy (host, self);
    return adze_fail (host, ADZE_E_UNSUPPORTED, "oneDNN answers %d when it is to use the processor",
                      (int)status);
  }
  *own = self;
  return ADZE_OK;
}

static const char *
instructions (void)
{
  switch (dnnl_get_effective_cpu_isa ()) {
  case dnnl_cpu_isa_sse41:
    return "sse4.1";
  case dnnl_cpu_isa_avx:
    return "avx";
  case dnnl_cpu_isa_avx2:
    return "avx2";
  case dnnl_cpu_isa_avx2_vnni:
    return "avx2-vnni";
  case dnnl_cpu_isa_avx512_mic:
    return "avx512-mic";
  case dnnl_cpu_isa_avx512_mic_4ops:
    return "avx512-mic-4ops";
  case dnnl_cpu_isa_avx512_core:
    return "avx512-core";
  case dnnl_cpu_isa_avx512_core_vnni:
    return "avx512-core-vnni";
  case dnnl_cpu_isa_avx512_core_bf16:
    return "avx512-core-bf16";
  case dnnl_cpu_isa_avx512_core_amx:
    return "avx512-core-amx";
  default:
    return NULL;
  }
}

static adze_status
identity (const adze_host *host, void *own, char *text, size_t size)
{
  const onednn_self *self = own;
  const dnnl_version_t *version = dnnl_version ();
  const char *name = instructions ();
  char number[32];
  (void)host;
  snprintf (number, sizeof number, "isa-%#x", (unsigned)dnnl_get_effective_cpu_isa ());
  snprintf (text, size, "oneDNN %d.%d.%d %s %s, %s, %s, %d threads", version->major, version->minor,
            version->patch, version->hash, name ? name : number,
            self->integers ? "int8" : "no int8 (that needs VNNI)",
            self->bfloats ? "bf16" : "no bf16 (that needs AVX-512)", self->threads);
  return ADZE_OK;
}

/* ---- Operators. */

static const onednn_operator operators[] = {
  { "", "Abs", onednn_unary },
  { "", "Add", onednn_binary },
  { "", "AveragePool", onednn_pool },
  { "", "BatchNormalization", onednn_batch_norm },
  { "", "Cast", onednn_cast },
  { "", "CastLike", onednn_cast },
  { "", "Clip", onednn_clip },
  { "", "Concat", onednn_concat },
  { "", "Conv", onednn_conv },
  { "", "ConvInteger", onednn_conv_integer },
  { "", "DequantizeLinear", onednn_dequantize },
  { "", "Div", onednn_binary },
  { "", "Elu", onednn_unary },
  { "", "Exp", onednn_unary },
  { "", "Flatten", onednn_same_numbers },
  { "", "Gemm", onednn_gemm },
  { "", "GlobalAveragePool", onednn_pool },
  { "", "GlobalMaxPool", onednn_pool },
  { "", "HardSwish", onednn_unary },
  { "", "Identity", onednn_same_numbers },
  { "", "LayerNormalization", onednn_layer_norm },
  { "", "LeakyRelu", onednn_unary },
  { "", "LogSoftmax", onednn_softmax },
  { "", "MatMul", onednn_mat_mul },
  { "", "MatMulInteger", onednn_mat_mul_integer },
  { "", "Max", onednn_binary },
  { "", "MaxPool", onednn_pool },
  { "", "Min", onednn_binary },
  { "", "Mul", onednn_binary },
  { "", "Neg", onednn_unary },
  { "", "QLinearConv", onednn_q_linear_conv },
  { "", "QLinearMatMul", onednn_q_linear_mat_mul },
  { "", "QuantizeLinear", onednn_quantize },
  { "", "Reciprocal", onednn_unary },
  { "", "ReduceMax", onednn_reduce },
  { "", "ReduceMean", onednn_reduce },
  { "", "ReduceMin", onednn_reduce },
  { "", "ReduceProd", onednn_reduce },
  { "", "ReduceSum", onednn_reduce },
  { "", "Relu", onednn_unary },
  { "", "Reshape", onednn_same_numbers },
  { "", "Round", onednn_unary },
  { "", "Sigmoid", onednn_unary },
  { "", "Softmax", onednn_softmax },
  { "", "Softplus", onednn_unary },
  { "", "Sqrt", onednn_unary },
  { "", "Squeeze", onednn_same_numbers },
  { "", "Sub", onednn_binary },
  { "", "Sum", onednn_binary },
  { "", "Tanh", onednn_unary },
  { "", "Transpose", onednn_transpose },
  { "", "Unsqueeze", onednn_same_numbers },
  { "adze", "AveragePoolGrad", onednn_average_pool_grad },
  { "adze", "ConvGradInput", onednn_conv_grad_input },
  { "adze", "ConvGradWeight", onednn_conv_grad_weight },
  { "adze", "MaxPoolGrad", onednn_max_pool_grad },
  { "adze", "ReluGrad", onednn_relu_grad },
  { "adze", "SumTo", onednn_sum_to },
};

static const onednn_operator *
find_operator (const adze_graph_node *node)
{
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
    if (strcmp (node->op, operators[i].op) == 0
        && strcmp (node->domain, operators[i].domain) == 0)
      return &operators[i];
  return NULL;
}

/* ---- Claiming. */

/* Slots and acts of the last trial make room for those of the next. */
static bool
can_do (onednn_part *part, const adze_graph_node *node)
{
  const onednn_operator *operator = find_operator (node);
  if (!operator || node->captured_count)
    return false;
  part->node = node;
  part->program->store_count = part->program->slot_count = part->program->act_count = 0;
  return operator->emit (part) == ADZE_OK;
}

static adze_status
claim (const adze_host *host, void *own, adze_graph *graph, uint32_t *part_of)
{
  onednn_part part = { .host = host, .self = own, .service = adze_graph_of (host), .graph = graph,
                       .trial = true };
  if (!part.service)
    return adze_fail (host, ADZE_E_NOT_FOUND, "the host has no service " ADZE_GRAPH);
  part.program = host->allocate (host, sizeof *part.program);
  if (!part.program)
    return adze_fail (host, ADZE_E_MEMORY, "no memory to look at a graph");
  threads before = threads_begin (own);
  uint32_t count = part.service->node_count (graph);
  for (uint32_t n = 0; n < count; n++) {
    const adze_graph_node *node = part.service->node (graph, n);
    if (node && can_do (&part, node))
      part_of[n] = 1;
  }
  threads_end (own, before);
  part.program->store_count = part.program->slot_count = part.program->act_count = 0;
  onednn_release (host, part.program);
  return ADZE_OK;
}

/* ---- Compiling. */

/* Who takes each value. */
static void
count_uses (onednn_part *part, const uint32_t *order, size_t nodes)
{
  size_t count;
  const uint32_t *outputs = part->service->outputs (part->graph, &count);
  for (size_t i = 0; i < count; i++)
    part->uses[outputs[i]]++;
  for (size_t n = 0; n < nodes; n++) {
    const adze_graph_node *node = part->service->node (part->graph, order[n]);
    for (size_t i = 0; i < node->input_count; i++)
      if (node->inputs[i] != ADZE_NONE) {
        part->uses[node->inputs[i]]++;
        part->user[node->inputs[i]] = node->number;
      }
  }
}

static adze_status
emit_node (onednn_part *part, const adze_graph_node *node)
{
  part->node = node;
  adze_status status = ADZE_OK;
  if (!part->done[node->number]) {
    const onednn_operator *operator = find_operator (node);
    status = operator ? operator->emit (part)
                      : onednn_refuse (part, ADZE_E_CONTRACT, "it was not claimed");
    part->done[node->number] = true;
  }
  return status == ADZE_OK ? onednn_deliver (part, node) : status;
}

static adze_status
emit_part (onednn_part *part)
{
  size_t count;
  const uint32_t *order = part->service->order (part->graph, &count);
  if (!order)
    return adze_fail (part->host, ADZE_E_CONTRACT, "a part has nodes that wait for each other");
  count_uses (part, order, count);
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < count; i++)
    status = emit_node (part, part->service->node (part->graph, order[i]));
  return status == ADZE_OK ? onednn_finish (part) : status;
}

static adze_status
build (onednn_part *part)
{
  const adze_host *host = part->host;
  size_t values = part->service->value_count (part->graph) + 1;
  part->uses = host->allocate (host, values * sizeof *part->uses);
  part->user = host->allocate (host, values * sizeof *part->user);
  part->done = host->allocate (host, part->service->node_count (part->graph) + 1);
  adze_status status = ADZE_E_MEMORY;
  if (part->uses && part->user && part->done) {
    memset (part->user, 0xff, values * sizeof *part->user); /* ADZE_NONE */
    status = emit_part (part);
  } else
    adze_fail (host, ADZE_E_MEMORY, "no memory to compile a part");
  host->release (host, part->uses);
  host->release (host, part->user);
  host->release (host, part->done);
  return status;
}

static adze_status
compile (const adze_host *host, void *own, adze_graph *graph, adze_program **program)
{
  onednn_part part = { .host = host, .self = own, .service = adze_graph_of (host), .graph = graph };
  if (!part.service)
    return adze_fail (host, ADZE_E_NOT_FOUND, "the host has no service " ADZE_GRAPH);
  part.program = host->allocate (host, sizeof *part.program);
  if (!part.program)
    return adze_fail (host, ADZE_E_MEMORY, "no memory for a program");
  threads before = threads_begin (own);
  adze_status status = build (&part);
  threads_end (own, before);
  onednn_leave_code ();
  if (status == ADZE_OK)
    *program = part.program;
  else
    onednn_release (host, part.program);
  return status;
}

/* ---- Programs. */

static void
release (const adze_host *host, void *own, adze_program *program)
{
  (void)own;
  onednn_release (host, program);
}

static uint64_t
scratch_of (const adze_host *host, void *own, const adze_program *program)
{
  (void)host;
  (void)own;
  return program->scratch;
}

static adze_status
execute (const adze_host *host, void *own, adze_program *program, const adze_view *const *inputs,
         adze_view *const *outputs, void *scratch)
{
  onednn_self *self = own;
  threads before = threads_begin (self);
  adze_status status = onednn_execute (host, self, program, inputs, outputs, scratch);
  threads_end (self, before);
  onednn_crowd_look (&self->crowd);
  if (!program->executed)
    onednn_leave_code (); /* some of oneDNN's products are written when they are first asked for */
  program->executed = true;
  return status;
}

static bool
may_replace (const adze_host *host, void *own, const adze_program *program, uint32_t output,
             uint32_t input)
{
  (void)host;
  (void)own;
  return onednn_may_replace (program, output, input);
}

/* ---- What the plugin is. */

static const adze_param params[] = {
  { .name = "threads",
    .type = ADZE_PARAM_INT,
    .preset = "0",
    .range = "[0, 1024]",
    .help = "threads that oneDNN uses; 0: as many as the run has" },
  { .name = NULL },
};

static const adze_backend callbacks = {
  .struct_size = sizeof callbacks,
  .determinism = ADZE_SAME_FOR_SAME_THREADS,
  .create = create,
  .destroy = destroy,
  .identity = identity,
  .claim = claim,
  .compile = compile,
  .release = release,
  .scratch = scratch_of,
  .execute = execute,
  .may_replace = may_replace,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_BACKEND_REVISION,
  .kind = ADZE_BACKEND,
  .id = "onednn",
  .summary = "oneDNN's primitives for float32, bfloat16 and int8, forward and backward",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_INSTANCE,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,        .id = "onednn",
  .version = "0.1.0",      .summary = "A backend on oneDNN",
  .license = "Apache-2.0", .components = components,
};

ADZE_PLUGIN_REGISTER (onednn, plugin);
