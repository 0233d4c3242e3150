/* SPDX-License-Identifier: Apache-2.0 */
/* A backend for tests whose memory the processor cannot touch: pages that nobody may read or write but
 * while one of its own calls is at work, so that whoever takes a value of the device for one of the
 * processor's crashes there and then. It computes some operators of float32 in the order in which ref
 * does, and leaves all others.
 *
 * It writes down, when it ends, what it was asked for into the file that MOON_LOG in the environment
 * names. With NO_READ or HERE, what it says of its memory is wrong; with FULL there is none left. With
 * WRONG its Relu is, with RESTLESS it is another one each time; with LOSES it makes 0 of NaN;
 * with NOTHING it claims nothing, and with REFUSES it claims and then compiles nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <adze/sdk.h>

enum { REGIONS = 128, RANK = 4, OPERANDS = 2, DEVICE = 12, PAGE = 4096 };

typedef struct region {
  void *memory;
  size_t size;
} region;

typedef struct moon {
  region regions[REGIONS];
  unsigned long allocated, released, sent, fetched, executed, constants;
} moon;

/* ---- Its memory. */

static void
turn (const moon *self, int rights)
{
  for (size_t i = 0; i < REGIONS; i++)
    if (self->regions[i].memory)
      mprotect (self->regions[i].memory, self->regions[i].size, rights);
}

static void
open_all (const moon *self)
{
  turn (self, PROT_READ | PROT_WRITE);
}

static void
close_all (const moon *self)
{
  turn (self, PROT_NONE);
}

static adze_status
allocate (const adze_host *host, void *instance, uint64_t size, void **memory)
{
  moon *self = instance;
  size_t pages = ((size_t)size / PAGE + 1) * PAGE, free = 0;
  while (free < REGIONS && self->regions[free].memory)
    free++;
#ifdef FULL
  free = REGIONS;
#endif
  if (free == REGIONS)
    return adze_fail (host, ADZE_E_MEMORY, "the moon is full");
  void *made = mmap (NULL, pages, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (made == MAP_FAILED)
    return adze_fail (host, ADZE_E_MEMORY, "no pages");
  self->regions[free] = (region){ made, pages };
  self->allocated++;
  *memory = made;
  return ADZE_OK;
}

static void
give_back (const adze_host *host, void *instance, void *memory)
{
  moon *self = instance;
  (void)host;
  for (size_t i = 0; i < REGIONS; i++)
    if (memory && self->regions[i].memory == memory) {
      munmap (memory, self->regions[i].size);
      self->regions[i] = (region){ 0 };
      self->released++;
    }
}

static bool
is_mine (const moon *self, const void *memory)
{
  for (size_t i = 0; i < REGIONS; i++)
    if (memory && self->regions[i].memory == memory)
      return true;
  return false;
}

static adze_status
send (const adze_host *host, void *instance, void *memory, uint64_t offset, const void *from,
      uint64_t size)
{
  moon *self = instance;
  (void)host;
  open_all (self);
  memcpy ((char *)memory + offset, from, (size_t)size);
  close_all (self);
  self->sent++;
  return ADZE_OK;
}

static adze_status
fetch (const adze_host *host, void *instance, const void *memory, uint64_t offset, void *into,
       uint64_t size)
{
  moon *self = instance;
  (void)host;
  open_all (self);
  memcpy (into, (const char *)memory + offset, (size_t)size);
  close_all (self);
  self->fetched++;
  return ADZE_OK;
}

static const adze_device_memory memory_calls = {
  .struct_size = sizeof memory_calls,
#ifdef HERE
  .device_type = ADZE_DEVICE_CPU,
#else
  .device_type = DEVICE,
#endif
  .allocate = allocate,
  .release = give_back,
  .write = send,
#ifndef NO_READ
  .read = fetch,
#endif
};

/* ---- Programs: nodes in order, each with places for its operands. */

typedef enum place {
  PLACE_NONE,
  PLACE_INPUT,
  PLACE_OUTPUT,
  PLACE_SCRATCH,
  PLACE_CONSTANT
} place;

typedef struct operand {
  place place;
  size_t at; /* which input or output; bytes from the beginning of scratch or of the constants */
  int32_t rank;
  int64_t shape[RANK];
} operand;

typedef struct work work;
typedef void (*kernel) (const work *w, float *out, const float *a, const float *b);

struct work {
  kernel run;
  operand in[OPERANDS], out;
};

struct adze_program {
  work *works;
  size_t count;
  void *constants; /* on the device */
  size_t scratch;
};

static size_t
count_of (const operand *o)
{
  size_t count = 1;
  for (int32_t d = 0; d < o->rank; d++)
    count *= (size_t)o->shape[d];
  return count;
}

/* Where element INDEX of LARGE is in SMALL, which is stretched to it. */
static size_t
element_of (const operand *large, size_t index, const operand *small)
{
  size_t at = 0, step = 1;
  for (int32_t d = large->rank, s = small->rank; d-- > 0 && s-- > 0;) {
    size_t here = index % (size_t)large->shape[d];
    index /= (size_t)large->shape[d];
    at += small->shape[s] == 1 ? 0 : here * step;
    step *= (size_t)small->shape[s];
  }
  return at;
}

#define BINARY(name, expression) \
  static void name (const work *w, float *out, const float *left, const float *right) \
  { \
    size_t count = count_of (&w->out); \
    for (size_t i = 0; i < count; i++) { \
      float a = left[element_of (&w->out, i, &w->in[0])]; \
      float b = right[element_of (&w->out, i, &w->in[1])]; \
      out[i] = expression; \
    } \
  }
BINARY (add, a + b)
BINARY (subtract, a - b)
BINARY (multiply, a *b)
BINARY (divide, a / b)

#define UNARY(name, expression) \
  static void name (const work *w, float *out, const float *from, const float *none) \
  { \
    size_t count = count_of (&w->out); \
    (void)none; \
    for (size_t i = 0; i < count; i++) { \
      float a = from[i]; \
      out[i] = expression; \
    } \
  }
UNARY (same, a)
#if defined WRONG
UNARY (relu, a > 0 ? a : .001f)
#elif defined RESTLESS
static unsigned times;
UNARY (relu, a > 0 ? a : a != a ? a : (float)(times++ % 7) * 1e-7f)
#elif defined LOSES
UNARY (relu, a > 0 ? a : 0)
#else
UNARY (relu, a > 0 ? a : a != a ? a : 0)
#endif

static void
product (const work *w, float *out, const float *a, const float *b)
{
  size_t rows = (size_t)w->out.shape[0], columns = (size_t)w->out.shape[1];
  size_t inner = (size_t)w->in[0].shape[1];
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < columns; j++) {
      float sum = 0;
      for (size_t k = 0; k < inner; k++)
        sum += a[i * inner + k] * b[k * columns + j];
      out[i * columns + j] = sum;
    }
}

static void
transpose (const work *w, float *out, const float *from, const float *none)
{
  size_t rows = (size_t)w->out.shape[0], columns = (size_t)w->out.shape[1];
  (void)none;
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < columns; j++)
      out[i * columns + j] = from[j * rows + i];
}

static void
sum_to (const work *w, float *out, const float *from, const float *like)
{
  size_t count = count_of (&w->out), all = count_of (&w->in[0]);
  (void)like; /* nothing but its shape counts, which is that of OUT */
  for (size_t o = 0; o < count; o++) {
    double sum = 0;
    for (size_t i = 0; i < all; i++)
      if (element_of (&w->in[0], i, &w->out) == o)
        sum += (double)from[i];
    out[o] = (float)sum;
  }
}

static const struct {
  const char *domain, *op;
  int32_t rank; /* 0: any up to RANK */
  kernel run;
} kernels[] = {
  { "", "Add", 0, add },         { "", "Sub", 0, subtract },      { "", "Mul", 0, multiply },
  { "", "Div", 0, divide },      { "", "Identity", 0, same },     { "", "Relu", 0, relu },
  { "", "MatMul", 2, product },  { "", "Transpose", 2, transpose },
  { "adze", "SumTo", 0, sum_to },
};

static bool
fits (const adze_graph_value *value, int32_t rank)
{
  return value && value->dtype.code == ADZE_FLOAT && value->dtype.bits == 32 && value->rank >= 0
         && value->rank <= RANK && (!rank || value->rank == rank);
}

static kernel
kernel_for (const adze_graph_service *service, const adze_graph *graph,
            const adze_graph_node *node)
{
  if (node->output_count != 1 || node->input_count > OPERANDS)
    return NULL;
  for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++) {
    if (strcmp (kernels[k].op, node->op) != 0 || strcmp (kernels[k].domain, node->domain) != 0)
      continue;
    bool fine = fits (service->value (graph, node->outputs[0]), kernels[k].rank);
    for (size_t i = 0; fine && i < node->input_count; i++)
      fine = fits (service->value (graph, node->inputs[i]), kernels[k].rank);
    return fine ? kernels[k].run : NULL;
  }
  return NULL;
}

/* All of it is one part; the host cuts it where others stand in between. Sizes are not looked at: the
 * host knows that memory of a device has none that come to be known late. */
static adze_status
claim (const adze_host *host, void *self, adze_graph *graph, uint32_t *part_of)
{
  const adze_graph_service *service = adze_graph_of (host);
  (void)self;
  for (uint32_t n = 0; n < service->node_count (graph); n++) {
    const adze_graph_node *node = service->node (graph, n);
#ifndef NOTHING
    if (node && kernel_for (service, graph, node))
      part_of[n] = 1;
#endif
  }
  return ADZE_OK;
}

/* ---- Compiling. */

typedef struct compiling {
  const adze_host *host;
  const adze_graph_service *service;
  adze_graph *part;
  moon *self;
  adze_program *program;
  size_t *places; /* of each value that is neither input nor output: bytes, plus one */
  size_t constant_bytes;
} compiling;

static size_t
bytes_of (const operand *o)
{
  return (count_of (o) * sizeof (float) + 63) / 64 * 64;
}

static operand
operand_of (compiling *c, uint32_t number)
{
  const adze_graph_value *value = c->service->value (c->part, number);
  size_t inputs, outputs;
  const uint32_t *input = c->service->inputs (c->part, &inputs);
  const uint32_t *output = c->service->outputs (c->part, &outputs);
  bool constant = value->role == ADZE_ROLE_CONSTANT;
  operand o = { .place = constant ? PLACE_CONSTANT : PLACE_SCRATCH, .rank = value->rank };
  for (int32_t d = 0; d < value->rank; d++)
    o.shape[d] = value->shape[d];
  for (size_t i = 0; i < inputs; i++)
    if (input[i] == number) {
      o.place = PLACE_INPUT;
      o.at = i;
      return o;
    }
  for (size_t i = 0; i < outputs; i++)
    if (output[i] == number) {
      o.place = PLACE_OUTPUT;
      o.at = i;
      return o;
    }
  size_t *end = constant ? &c->constant_bytes : &c->program->scratch;
  if (!c->places[number]) {
    c->places[number] = *end + 1;
    *end += bytes_of (&o);
  }
  o.at = c->places[number] - 1;
  return o;
}

static void
release (const adze_host *host, void *self, adze_program *program)
{
  if (!program)
    return;
  give_back (host, self, program->constants);
  free (program->works);
  free (program);
}

/* Numbers of constants go to the device here, once. */
static adze_status
bring_constants (compiling *c)
{
  if (!c->constant_bytes)
    return ADZE_OK;
  adze_status status = allocate (c->host, c->self, c->constant_bytes, &c->program->constants);
  if (status != ADZE_OK)
    return status;
  open_all (c->self);
  for (uint32_t v = 0; v < c->service->value_count (c->part); v++) {
    const adze_graph_value *value = c->service->value (c->part, v);
    if (value->role != ADZE_ROLE_CONSTANT || !c->places[v])
      continue;
    operand o = operand_of (c, v);
    memcpy ((char *)c->program->constants + o.at, value->data, count_of (&o) * sizeof (float));
    c->self->constants++;
  }
  close_all (c->self);
  return ADZE_OK;
}

static adze_status
compile_nodes (compiling *c)
{
  size_t count;
  const uint32_t *order = c->service->order (c->part, &count);
  c->program->works = calloc (count + 1, sizeof *c->program->works);
  if (!order || !c->program->works)
    return adze_fail (c->host, ADZE_E_MEMORY, "out of memory");
  for (size_t i = 0; i < count; i++) {
    const adze_graph_node *node = c->service->node (c->part, order[i]);
    work *w = &c->program->works[c->program->count++];
    w->run = kernel_for (c->service, c->part, node);
    if (!w->run)
      return adze_fail (c->host, ADZE_E_CONTRACT, "%s was never claimed", node->op);
    for (size_t k = 0; k < node->input_count; k++)
      w->in[k] = operand_of (c, node->inputs[k]);
    w->out = operand_of (c, node->outputs[0]);
  }
  return bring_constants (c);
}

static adze_status
compile (const adze_host *host, void *self, adze_graph *part, adze_program **program)
{
  compiling c = { .host = host, .service = adze_graph_of (host), .part = part, .self = self };
  c.program = calloc (1, sizeof *c.program);
  c.places = calloc (c.service->value_count (part) + 1, sizeof *c.places);
#ifdef REFUSES
  free (c.program);
  free (c.places);
  return adze_fail (host, ADZE_E_UNSUPPORTED, "not today");
#endif
  adze_status status = c.program && c.places ? compile_nodes (&c)
                                             : adze_fail (host, ADZE_E_MEMORY, "out of memory");
  free (c.places);
  if (status == ADZE_OK)
    *program = c.program;
  else
    release (host, self, c.program);
  return status;
}

static uint64_t
scratch_of (const adze_host *host, void *self, const adze_program *program)
{
  (void)host;
  (void)self;
  return program->scratch;
}

/* ---- Executing. */

static adze_status
execute (const adze_host *host, void *instance, adze_program *program,
         const adze_view *const *inputs, adze_view *const *outputs, void *scratch)
{
  moon *self = instance;
  if (program->scratch && !is_mine (self, scratch))
    return adze_fail (host, ADZE_E_CONTRACT, "scratch is not on the moon");
  open_all (self);
  for (size_t i = 0; i < program->count; i++) {
    const work *w = &program->works[i];
    const operand *operands[] = { &w->in[0], &w->in[1], &w->out };
    float *at[3] = { NULL };
    for (size_t k = 0; k < 3; k++) {
      const operand *o = operands[k];
      const adze_view *view = o->place == PLACE_INPUT    ? inputs[o->at]
                              : o->place == PLACE_OUTPUT ? outputs[o->at]
                                                         : NULL;
      if (view && view->device.type != DEVICE)
        return adze_fail (host, ADZE_E_CONTRACT, "a value is not on the moon");
      char *from = o->place == PLACE_CONSTANT ? program->constants : scratch;
      if (o->place != PLACE_NONE)
        at[k] = view ? adze_view_data (view) : (float *)(void *)(from + o->at);
    }
    w->run (w, at[2], at[0], at[1]);
  }
  close_all (self);
  self->executed++;
  return ADZE_OK;
}

/* ---- Its life. */

static adze_status
create (const adze_host *host, const adze_params *params, void **self)
{
  (void)params;
  *self = calloc (1, sizeof (moon));
  return *self ? ADZE_OK : adze_fail (host, ADZE_E_MEMORY, "out of memory");
}

static void
destroy (const adze_host *host, void *instance)
{
  moon *self = instance;
  const char *name = getenv ("MOON_LOG");
  FILE *log = name ? fopen (name, "w") : NULL;
  (void)host;
  if (log) {
    fprintf (log, "allocated %lu released %lu sent %lu fetched %lu executed %lu constants %lu\n",
             self->allocated, self->released, self->sent, self->fetched, self->executed,
             self->constants);
    fclose (log);
  }
  free (self);
}

static const adze_backend callbacks = {
  .struct_size = sizeof callbacks,
  .determinism = ADZE_SAME_FOR_ANY_THREADS,
  .create = create,
  .destroy = destroy,
  .claim = claim,
  .compile = compile,
  .release = release,
  .scratch = scratch_of,
  .execute = execute,
  .memory = &memory_calls,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_BACKEND_REVISION,
  .kind = ADZE_BACKEND,
  .id = "moon",
  .summary = "Computes where nobody else can look",
  .threading = ADZE_THREADS_INSTANCE,
  .callbacks = &callbacks,
};
static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = { ADZE_PLUGIN_HEAD,
                                    .id = "moon",
                                    .version = "1.0.0",
                                    .summary = "A device for tests",
                                    .license = "Apache-2.0",
                                    .components = components };
ADZE_PLUGIN_REGISTER (moon, plugin);
