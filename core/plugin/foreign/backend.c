/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/foreign/backend.c: the callbacks that stand behind every backend that is really the
 * kernels of somebody else's library.
 *
 * It claims MatMul, Gemm and Conv in the types that there is a kernel for, each node by itself,
 * and leaves everything else to others, which the host counts. What it knows of graphs is what
 * adze.graph/1 tells every plugin.
 */
#include <string.h>

#include "base/file.h"
#include "plugin/foreign/convolution.h"
#include "plugin/foreign/product.h"
#include "plugin/host_table.h"

#include <adze/log.h>

/* Who is at work: the state of an instance. */
typedef struct foreign_self {
  const adze_foreign_backend *backend;
  uint32_t threads; /* of the run */
} foreign_self;

/* Where an operand comes from: an input of the part, or the part's own numbers. */
typedef struct operand {
  bool there;
  uint32_t input; /* ADZE_NONE: CONSTANT */
  adze_view constant;
} operand;

enum { OPERANDS = 3 };

/* What a node becomes. */
typedef struct work {
  bool is_convolution;
  adze_product product;
  adze_convolution convolution;
} work;

struct adze_program {
  work work;
  operand operands[OPERANDS];
};

/* ---- Errors of ours, as a plugin would report them. */

static adze_status
report (const adze_host *host, adze_error *error)
{
  return error ? adze_desk_fail (adze_desk_of (host), error) : ADZE_OK;
}

/* ---- An instance. */

static adze_error *
use_threads (const foreign_self *self, int64_t *actual)
{
  return adze_foreign_use_threads (self->backend->foreign, self->threads, actual);
}

/* A library that takes as many threads as it likes is said to, once. */
static void
tell_threads (const adze_host *host, const foreign_self *self, int64_t actual)
{
  if (actual == 0)
    adze_log (host, ADZE_LOG_INFO,
              "%s has none of the functions that would tell it to use %u threads: it uses as "
              "many as it likes",
              adze_foreign_library_path (self->backend->foreign), self->threads);
  else if (actual != (int64_t)self->threads)
    adze_log (host, ADZE_LOG_INFO, "%s uses %lld threads of the run's %u",
              adze_foreign_library_path (self->backend->foreign), (long long)actual,
              self->threads);
}

static adze_status
foreign_create (const adze_host *host, const adze_params *params, void **into)
{
  foreign_self *self = host->allocate (host, sizeof *self);
  int64_t actual = 0;
  (void)params;
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "no memory for the backend");
  self->backend = adze_desk_own (adze_desk_of (host));
  self->threads = adze_backend_threads (host);
  adze_error *error = use_threads (self, &actual);
  if (error) {
    host->release (host, self);
    return report (host, error);
  }
  tell_threads (host, self, actual);
  *into = self;
  return ADZE_OK;
}

static void
foreign_destroy (const adze_host *host, void *self)
{
  host->release (host, self);
}

/* ---- Identity. */

/* Libraries choose their code by the processor, and few say which they chose. */
static const char *
instructions (void)
{
#if defined __x86_64__
  __builtin_cpu_init ();
  return __builtin_cpu_supports ("avx512f") ? "avx512f"
         : __builtin_cpu_supports ("avx2")  ? __builtin_cpu_supports ("fma") ? "avx2 fma" : "avx2"
         : __builtin_cpu_supports ("avx")   ? "avx"
                                            : "sse2";
#else
  return "the processor's instructions";
#endif
}

/* "libblas.so.3 6ffff327...": the file that ADDRESS lies in, and which build of it. */
static void
put_library (adze_buffer *text, const void *address, const char *otherwise)
{
  char build[ADZE_BUILD_ID_TEXT];
  ADZE_AUTO_FREE char *path = adze_foreign_library_of (address, otherwise);
  adze_foreign_build_id (address, build);
  adze_buffer_format (text, "%s%s %s", text->size ? ", " : "",
                      adze_path_base (path ? path : otherwise),
                      build[0] ? build : "without a build-id");
}

/* The library that computes may be a thin one over another, which then is the one that says how it
 * was built. */
static adze_status
foreign_identity (const adze_host *host, void *own, char *into, size_t size)
{
  const foreign_self *self = own;
  const adze_foreign *foreign = self->backend->foreign;
  const char *configuration = adze_foreign_configuration (foreign);
  int64_t actual = 0;
  adze_error *error = use_threads (self, &actual);
  if (error)
    return report (host, error);
  ADZE_AUTO (adze_buffer) text = { 0 };
  put_library (&text, foreign->kernels[0].address, foreign->libraries[0]);
  if (foreign->configuration)
    put_library (&text, foreign->configuration, foreign->libraries[0]);
  if (configuration)
    adze_buffer_format (&text, ", %s", configuration);
  adze_buffer_format (&text, ", %s, ", instructions ());
  if (actual)
    adze_buffer_format (&text, "%lld threads", (long long)actual);
  else
    adze_buffer_text (&text, "threads as the library likes");
  if (text.failed)
    return adze_fail (host, ADZE_E_MEMORY, "no memory for an identity");
  if (text.size >= size)
    return adze_fail (host, ADZE_E_LIMIT,
                      "what the library says of itself has %zu bytes, and there is room for %zu",
                      text.size, size - 1);
  memcpy (into, text.data, text.size + 1);
  return ADZE_OK;
}

/* ---- Which nodes. */

static const adze_foreign_kernels *
kernels_for (const adze_foreign_backend *backend, adze_dtype dtype)
{
  const adze_foreign_kernels *kernels = dtype.bits == 32   ? &backend->single
                                        : dtype.bits == 64 ? &backend->twice
                                                           : NULL;
  bool is_float = dtype.code == ADZE_FLOAT && dtype.lanes == 1;
  return is_float && kernels && kernels->gemm ? kernels : NULL;
}

/* The values of its inputs, if they are all of one type, and the first two are there. */
static bool
read_inputs (const adze_graph_service *service, const adze_graph *graph,
             const adze_graph_node *node, const adze_graph_value *values[OPERANDS])
{
  if (node->input_count < 2 || node->input_count > OPERANDS)
    return false;
  for (size_t i = 0; i < OPERANDS; i++) {
    values[i] = i < node->input_count ? service->value (graph, node->inputs[i]) : NULL;
    if (!values[i] && i < 2)
      return false;
    if (values[i]
        && (values[i]->rank < 0
            || memcmp (&values[i]->dtype, &values[0]->dtype, sizeof values[0]->dtype) != 0))
      return false;
  }
  return true;
}

static bool
gemm_read (const adze_graph_node *node, const adze_graph_value *const *values,
           adze_product *product)
{
  *product = (adze_product){ .is_gemm = true,
                             .transpose_a = adze_node_int (node, "transA", 0) != 0,
                             .transpose_b = adze_node_int (node, "transB", 0) != 0,
                             .alpha = (double)adze_node_float (node, "alpha", 1),
                             .beta = (double)adze_node_float (node, "beta", 1) };
  return values[0]->rank == 2 && values[1]->rank == 2 && (!values[2] || values[2]->rank <= 2);
}

static bool
mat_mul_read (const adze_graph_value *const *values, adze_product *product)
{
  *product = (adze_product){ .alpha = 1 };
  return values[0]->rank >= 1 && values[1]->rank >= 1 && !values[2];
}

/* What NODE becomes; false: it is left to others. Of sizes, only those of a Conv's weights
 * matter. */
static bool
work_of (const adze_foreign_backend *backend, const adze_graph_service *service,
         const adze_graph *graph, const adze_graph_node *node, work *into)
{
  const adze_graph_value *values[OPERANDS];
  if (node->domain[0] || !read_inputs (service, graph, node, values))
    return false;
  const adze_foreign_kernels *kernels = kernels_for (backend, values[0]->dtype);
  *into = (work){ .is_convolution = strcmp (node->op, "Conv") == 0 };
  bool taken = into->is_convolution ? adze_convolution_read (node, values[0], values[1],
                                                             &into->convolution)
               : strcmp (node->op, "Gemm") == 0   ? gemm_read (node, values, &into->product)
               : strcmp (node->op, "MatMul") == 0 ? mat_mul_read (values, &into->product)
                                                  : false;
  into->product.kernels = into->convolution.kernels = kernels;
  into->product.element = values[0]->dtype.bits / 8u;
  return taken && kernels;
}

static adze_status
foreign_claim (const adze_host *host, void *own, adze_graph *graph, uint32_t *part_of)
{
  const foreign_self *self = own;
  const adze_graph_service *service = adze_graph_of (host);
  if (!service)
    return adze_fail (host, ADZE_E_NOT_FOUND, "the host has no service " ADZE_GRAPH);
  uint32_t count = service->node_count (graph);
  for (uint32_t n = 0; n < count; n++) {
    work found;
    const adze_graph_node *node = service->node (graph, n);
    if (node && work_of (self->backend, service, graph, node, &found))
      part_of[n] = n + 1;
  }
  return ADZE_OK;
}

/* ---- Programs. */

static const adze_graph_node *
only_node (const adze_graph_service *service, const adze_graph *part)
{
  const adze_graph_node *found = NULL;
  uint32_t count = service->node_count (part);
  for (uint32_t n = 0; n < count; n++) {
    const adze_graph_node *node = service->node (part, n);
    if (node && found)
      return NULL;
    found = node ? node : found;
  }
  return found;
}

/* Numbers and shape of a constant belong to the part, which stays. */
static void
connect (const adze_graph_service *service, const adze_graph *part, uint32_t number, operand *into)
{
  size_t count = 0;
  const uint32_t *inputs = service->inputs (part, &count);
  const adze_graph_value *value = service->value (part, number);
  union {
    const void *from;
    void *to;
  } data = { .from = value ? value->data : NULL };
  union {
    const int64_t *from;
    int64_t *to;
  } shape = { .from = value ? value->shape : NULL };
  into->there = value != NULL;
  into->input = ADZE_NONE;
  for (size_t i = 0; value && i < count; i++)
    if (inputs[i] == number)
      into->input = (uint32_t)i;
  if (value)
    into->constant = (adze_view){ .data = data.to,
                                  .device = { ADZE_DEVICE_CPU, 0 },
                                  .rank = value->rank,
                                  .dtype = value->dtype,
                                  .shape = shape.to };
}

static adze_status
foreign_compile (const adze_host *host, void *own, adze_graph *part, adze_program **into)
{
  const foreign_self *self = own;
  const adze_graph_service *service = adze_graph_of (host);
  if (!service)
    return adze_fail (host, ADZE_E_NOT_FOUND, "the host has no service " ADZE_GRAPH);
  const adze_graph_node *node = only_node (service, part);
  adze_program *program = host->allocate (host, sizeof *program);
  if (!program)
    return adze_fail (host, ADZE_E_MEMORY, "no memory for a program");
  if (!node || !work_of (self->backend, service, part, node, &program->work)) {
    host->release (host, program);
    return adze_fail (host, ADZE_E_CONTRACT,
                      "a part has one product or convolution; this one has not");
  }
  for (size_t i = 0; i < OPERANDS; i++)
    connect (service, part, i < node->input_count ? node->inputs[i] : ADZE_NONE,
             &program->operands[i]);
  *into = program;
  return ADZE_OK;
}

static void
foreign_release (const adze_host *host, void *own, adze_program *program)
{
  (void)own;
  host->release (host, program);
}

static uint64_t
foreign_scratch (const adze_host *host, void *own, const adze_program *program)
{
  (void)host;
  (void)own;
  return program->work.is_convolution ? adze_convolution_scratch (&program->work.convolution) : 0;
}

static const adze_view *
view_of (const operand *from, const adze_view *const *inputs)
{
  if (!from->there)
    return NULL;
  return from->input != ADZE_NONE ? inputs[from->input] : &from->constant;
}

static adze_error *
work_execute (const work *doing, const adze_view *const *views, const adze_view *output,
              void *scratch)
{
  return doing->is_convolution
             ? adze_convolution_execute (&doing->convolution, views[0], views[1], views[2], output,
                                         scratch)
             : adze_product_execute (&doing->product, views[0], views[1], views[2], output);
}

static adze_status
foreign_execute (const adze_host *host, void *own, adze_program *program,
                 const adze_view *const *inputs, adze_view *const *outputs, void *scratch)
{
  const adze_view *views[OPERANDS];
  int64_t actual = 0;
  for (size_t i = 0; i < OPERANDS; i++)
    views[i] = view_of (&program->operands[i], inputs);
  /* Nobody asked for it. */
  if (!outputs[0])
    return ADZE_OK;
  if (!views[0] || !views[1])
    return adze_fail (host, ADZE_E_CONTRACT, "one of the first two operands is missing");
  /* The number belongs to the process, and others in it may have changed it. */
  adze_status status = report (host, use_threads (own, &actual));
  return status != ADZE_OK
             ? status
             : report (host, work_execute (&program->work, views, outputs[0], scratch));
}

const adze_backend adze_foreign_backend_callbacks = {
  .struct_size = sizeof (adze_backend),
  /* What is known of every BLAS: none promises more. */
  .determinism = ADZE_SAME_FOR_SAME_THREADS,
  .create = foreign_create,
  .destroy = foreign_destroy,
  .identity = foreign_identity,
  .claim = foreign_claim,
  .compile = foreign_compile,
  .release = foreign_release,
  .scratch = foreign_scratch,
  .execute = foreign_execute,
};
