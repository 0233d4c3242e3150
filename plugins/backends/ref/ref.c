/* SPDX-License-Identifier: Apache-2.0 */
/* ref: the backend that does every operator, plainly and in one order, so that the others can be
 * held against it.
 *
 * Each node is a part by itself, and its program is the kernel that was found for it. Bodies (If,
 * Loop, Scan) are the host's to execute.
 */
#include "ref.h"

#if defined __GLIBC__
#include <gnu/libc-version.h>
#endif

/* Comes from the graph itself, not through execute. */
#define CONSTANT (ADZE_NONE - 1)

struct adze_program {
  const adze_graph_node *node;
  const ref_kernel *kernel;
  uint64_t room; /* that the host lends it */
  uint32_t *inputs;     /* of each input of the node: which of execute's; CONSTANT; ADZE_NONE */
  uint32_t *outputs;    /* of each output, in the same way */
  adze_view *constants; /* of each input */
  /* What the kernel is shown. */
  const adze_view **shown_inputs;
  adze_view **shown_outputs;
  adze_view *widened; /* of inputs, then of outputs: as float32 */
};

/* ---- What all programs share: they are executed one after the other, so that the largest of them says
 * how much memory there is for what kernels need beside their outputs. */

static adze_status
create (const adze_host *host, const adze_params *params, void **self)
{
  (void)params;
  *self = host->allocate (host, sizeof (ref_memory));
  return *self ? ADZE_OK : adze_fail (host, ADZE_E_MEMORY, "no room for its state");
}

static void
destroy (const adze_host *host, void *self)
{
  ref_memory *memory = self;
  host->release (host, memory->block);
  host->release (host, memory);
}

/* ---- Which nodes. */

static bool
has_body (const adze_graph_node *node)
{
  for (size_t i = 0; i < node->attribute_count; i++)
    if (node->attributes[i].type == ADZE_ATTRIBUTE_GRAPH)
      return true;
  return false;
}

static adze_status
claim (const adze_host *host, void *self, adze_graph *graph, uint32_t *part_of)
{
  (void)self;
  const adze_graph_service *service = adze_graph_of (host);
  if (!service)
    return adze_fail (host, ADZE_E_NOT_FOUND, "the host has no service " ADZE_GRAPH);
  uint32_t count = service->node_count (graph);
  for (uint32_t n = 0; n < count; n++) {
    ref_question question = { service, graph, service->node (graph, n) };
    if (question.node && !has_body (question.node) && ref_kernel_find (&question))
      part_of[n] = n + 1;
  }
  return ADZE_OK;
}

/* ---- Compiling. */

static void
release (const adze_host *host, void *self, adze_program *program)
{
  (void)self;
  if (!program)
    return;
  for (size_t i = 0; program->constants && i < program->node->input_count; i++)
    host->release (host, program->constants[i].shape);
  host->release (host, program->constants);
  host->release (host, program->inputs);
  host->release (host, program->outputs);
  host->release (host, program->shown_inputs);
  host->release (host, program->shown_outputs);
  host->release (host, program->widened);
  host->release (host, program);
}

static uint32_t
place_of (const uint32_t *values, size_t count, uint32_t value)
{
  for (size_t i = 0; i < count; i++)
    if (value != ADZE_NONE && values[i] == value)
      return (uint32_t)i;
  return ADZE_NONE;
}

/* The numbers belong to the part, which stays; the shape is copied, since a view's is not const. */
static adze_status
keep_constant (const adze_host *host, const adze_graph_value *value, adze_view *constant)
{
  size_t rank = value->rank < 0 ? 0 : (size_t)value->rank;
  void *data;
  memcpy (&data, &value->data, sizeof data);
  *constant = (adze_view){ .data = data,
                           .device = { ADZE_DEVICE_CPU, 0 },
                           .rank = (int32_t)rank,
                           .dtype = value->dtype,
                           .shape = host->allocate (host, (rank + 1) * sizeof (int64_t)) };
  if (!constant->shape)
    return ADZE_E_MEMORY;
  if (rank)
    memcpy (constant->shape, value->shape, rank * sizeof (int64_t));
  return ADZE_OK;
}

/* Where each input and output of the node comes from. */
static adze_status
connect (const adze_host *host, const adze_graph_service *service, const adze_graph *part,
         adze_program *program)
{
  const adze_graph_node *node = program->node;
  size_t given, asked;
  const uint32_t *inputs = service->inputs (part, &given);
  const uint32_t *outputs = service->outputs (part, &asked);
  for (size_t i = 0; i < node->input_count; i++) {
    program->inputs[i] = place_of (inputs, given, node->inputs[i]);
    if (program->inputs[i] != ADZE_NONE || node->inputs[i] == ADZE_NONE)
      continue;
    const adze_graph_value *value = service->value (part, node->inputs[i]);
    if (!value || value->role != ADZE_ROLE_CONSTANT)
      return adze_fail (host, ADZE_E_CONTRACT,
                        "node %u (%s): input %zu is neither an input of its part nor a constant",
                        node->number, node->op, i);
    program->inputs[i] = CONSTANT;
    if (keep_constant (host, value, &program->constants[i]) != ADZE_OK)
      return adze_fail (host, ADZE_E_MEMORY, "no memory for the shape of a constant");
  }
  for (size_t i = 0; i < node->output_count; i++)
    program->outputs[i] = place_of (outputs, asked, node->outputs[i]);
  return ADZE_OK;
}

static bool
make_room (const adze_host *host, adze_program *program)
{
  size_t inputs = program->node->input_count + 1, outputs = program->node->output_count + 1;
  program->inputs = host->allocate (host, inputs * sizeof *program->inputs);
  program->outputs = host->allocate (host, outputs * sizeof *program->outputs);
  program->constants = host->allocate (host, inputs * sizeof *program->constants);
  program->shown_inputs = host->allocate (host, inputs * sizeof *program->shown_inputs);
  program->shown_outputs = host->allocate (host, outputs * sizeof *program->shown_outputs);
  program->widened = host->allocate (host, (inputs + outputs) * sizeof *program->widened);
  return program->inputs && program->outputs && program->constants && program->shown_inputs
         && program->shown_outputs && program->widened;
}

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

static adze_status
compile (const adze_host *host, void *self, adze_graph *part, adze_program **into)
{
  const adze_graph_service *service = adze_graph_of (host);
  if (!service)
    return adze_fail (host, ADZE_E_NOT_FOUND, "the host has no service " ADZE_GRAPH);
  ref_question question = { service, part, only_node (service, part) };
  if (!question.node)
    return adze_fail (host, ADZE_E_CONTRACT, "a part for ref has one node; this one has not");
  const ref_kernel *kernel = ref_kernel_find (&question);
  if (!kernel)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "node %u (%s): ref has no kernel for it",
                      question.node->number, question.node->op);
  adze_program *program = host->allocate (host, sizeof *program);
  if (!program)
    return adze_fail (host, ADZE_E_MEMORY, "no memory for a program");
  program->node = question.node;
  program->kernel = kernel;
  program->room = ref_kernel_room (&question, kernel);
  adze_status status = make_room (host, program)
                           ? connect (host, service, part, program)
                           : adze_fail (host, ADZE_E_MEMORY, "no memory for a program");
  if (status == ADZE_OK)
    *into = program;
  else
    release (host, self, program);
  return status;
}

static uint64_t
room_of (const adze_host *host, void *self, const adze_program *program)
{
  (void)host;
  (void)self;
  return program->room;
}

/* ---- Executing. */

static bool
is_half (const adze_view *view)
{
  return view && (REF_SET (ref_view_type (view)) & REF_HALVES);
}

/* VIEW as float32, in memory of the call. */
static adze_status
widen (ref_call *call, const adze_view *view, adze_view *wide)
{
  *wide = *view;
  wide->dtype = (adze_dtype){ ADZE_FLOAT, 32, 1 };
  wide->byte_offset = 0;
  wide->data = ref_take (call, adze_view_count (view), sizeof (float));
  return wide->data ? ADZE_OK : ref_no_memory (call);
}

static void
narrow (const adze_view *wide, adze_view *view)
{
  size_t count = adze_view_count (view);
  if (view->dtype.code == ADZE_BFLOAT)
    adze_bfloat_from_floats (adze_view_data (view), wide->data, count);
  else
    adze_half_from_floats (adze_view_data (view), wide->data, count);
}

/* What the kernel is shown: the views themselves, or float32 in the place of shorter floats. */
static adze_status
show (ref_call *call, adze_program *program, const adze_view *const *inputs,
      adze_view *const *outputs)
{
  for (size_t i = 0; i < call->input_count; i++) {
    uint32_t from = program->inputs[i];
    const adze_view *view = from == ADZE_NONE  ? NULL
                            : from == CONSTANT ? &program->constants[i]
                                               : inputs[from];
    program->shown_inputs[i] = view;
    if (!program->kernel->widen || !is_half (view))
      continue;
    adze_status status = widen (call, view, &program->widened[i]);
    if (status != ADZE_OK)
      return status;
    adze_floats_read (view->dtype, adze_view_data (view), adze_view_count (view),
                      program->widened[i].data);
    program->shown_inputs[i] = &program->widened[i];
  }
  for (size_t i = 0; i < call->output_count; i++) {
    adze_view *view = program->outputs[i] == ADZE_NONE ? NULL : outputs[program->outputs[i]];
    adze_view *wide = &program->widened[call->input_count + i];
    program->shown_outputs[i] = view;
    if (!program->kernel->widen || !is_half (view))
      continue;
    adze_status status = widen (call, view, wide);
    if (status != ADZE_OK)
      return status;
    program->shown_outputs[i] = wide;
  }
  return ADZE_OK;
}

static adze_status
run (ref_call *call, adze_program *program, const adze_view *const *inputs,
     adze_view *const *outputs)
{
  adze_status status = show (call, program, inputs, outputs);
  if (status != ADZE_OK)
    return status;
  const adze_view *first = ref_in (call, 0);
  if (program->kernel->types
      && (!first || !(program->kernel->types & REF_SET (ref_view_type (first)))))
    return ref_refuse_type (call, 0);
  status = program->kernel->run (call);
  for (size_t i = 0; status == ADZE_OK && i < call->output_count; i++)
    if (program->shown_outputs[i] == &program->widened[call->input_count + i])
      narrow (program->shown_outputs[i], outputs[program->outputs[i]]);
  return status;
}

static adze_status
execute (const adze_host *host, void *self, adze_program *program, const adze_view *const *inputs,
         adze_view *const *outputs, void *scratch)
{
  ref_memory *memory = self;
  memory->lent = scratch;
  memory->lent_size = scratch ? program->room : 0;
  memory->lent_used = 0;
  ref_call call = {
    .host = host,
    .node = program->node,
    .inputs = program->shown_inputs,
    .input_count = program->node->input_count,
    .outputs = program->shown_outputs,
    .output_count = program->node->output_count,
    .memory = memory,
  };
  adze_status status = run (&call, program, inputs, outputs);
  ref_memory_settle (host, memory);
  return status;
}

/* Functions of the mathematical library are not rounded in the same way by all its releases, nor
 * with and without fused instructions, which it chooses by the processor. */
static adze_status
identity (const adze_host *host, void *self, char *text, size_t size)
{
  (void)host;
  (void)self;
#if defined __GLIBC__
  const char *library = "glibc ", *version = gnu_get_libc_version ();
#else
  const char *library = "libc", *version = "";
#endif
  const char *fused = "";
#if defined __x86_64__
  __builtin_cpu_init ();
  fused = __builtin_cpu_supports ("fma") ? " fma" : "";
#endif
  snprintf (text, size, "%s%s%s", library, version, fused);
  return ADZE_OK;
}

/* ---- What the plugin is. */

static const adze_backend callbacks = {
  .struct_size = sizeof callbacks,
  .determinism = ADZE_SAME_FOR_ANY_THREADS,
  .create = create,
  .destroy = destroy,
  .identity = identity,
  .claim = claim,
  .compile = compile,
  .release = release,
  .scratch = room_of,
  .execute = execute,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_BACKEND_REVISION,
  .kind = ADZE_BACKEND,
  .id = "ref",
  .summary = "Plain C in one order: every operator, and what other backends are held against",
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_INSTANCE,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,        .id = "ref",
  .version = "0.1.0",      .summary = "The reference backend",
  .license = "Apache-2.0", .components = components,
};

ADZE_PLUGIN_REGISTER (ref, plugin);
