/* SPDX-License-Identifier: Apache-2.0 */
/* A technique that is sound, or wrong in one way: -DBENT_... says which. Built by
 * tests/unit/test-kit.c, to see that the conformance kit notices each of them, and nothing else. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <adze/sdk.h>

typedef struct bent {
  int64_t level;
  char *note;
  char *more;
  float *scratch;
} bent;

static const adze_param params[] = {
  { .name = "level", .type = ADZE_PARAM_INT, .preset = "1", .range = "[0, 100]",
    .help = "a level" },
#ifdef BENT_PARTICULAR
  { .name = "word", .type = ADZE_PARAM_STRING, .help = "the right word" },
#endif
  { .name = NULL }
};

#ifdef BENT_LEAVES
/* -DBENT_LEAVES=fork_one, fork_away or start_thread: what it does once a process. None lasts long
 * when nobody ends it. */
static inline void *
linger (void *argument)
{
  const struct timespec while_ = { 20, 0 };
  nanosleep (&while_, NULL);
  return argument;
}

static inline void
fork_one (void)
{
  if (fork () == 0) {
    linger (NULL);
    _exit (0);
  }
}

/* As a daemon does: into another session, and its parent ends. */
static inline void
fork_away (void)
{
  pid_t between = fork ();
  if (between == 0) {
    setsid ();
    fork_one ();
    _exit (0);
  }
  waitpid (between, NULL, 0);
}

static inline void
start_thread (void)
{
  pthread_t thread;
  if (pthread_create (&thread, NULL, linger, NULL) == 0)
    pthread_detach (thread);
}

static void
leave_something (void)
{
  static atomic_int left;
  if (atomic_fetch_add (&left, 1) == 0)
    BENT_LEAVES ();
}
#endif

#if defined BENT_CREATE_LEAKS || defined BENT_INIT_LEAKS
/* Volatile, since a compiler may leave out a malloc of which nothing is seen. */
static void
leak (void)
{
  static void *volatile lost;
  lost = malloc (300);
}
#endif

static void
destroy (const adze_host *host, void *instance)
{
  bent *self = instance;
#ifdef BENT_END_CRASHES
  signal (SIGSEGV, SIG_DFL);
  raise (SIGSEGV);
#endif
#ifdef BENT_END_BREAKS
  static char never_allocated[256];
  host->release (host, never_allocated + 128);
#endif
  free (self->note);
  free (self->more);
  if (self->scratch)
    host->release (host, self->scratch);
#ifdef BENT_DOUBLE_RELEASE
  host->release (host, self->scratch);
#endif
  host->release (host, self);
}

/* The callers' way out of a create that has run out of memory. */
static adze_status
no_memory (const adze_host *host, bent *self)
{
  destroy (host, self);
  return adze_fail (host, ADZE_E_MEMORY, "no room for its state");
}

static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  bent *self = host->allocate (host, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "no room for its state");
  self->level = adze_param_int (host, values, "level");
#ifdef BENT_WRONG_NAME
  self->level += adze_param_int (host, values, "height");
#endif
#ifdef BENT_PARTICULAR
  if (strcmp (adze_param_string (host, values, "word"), "the right one") != 0) {
    host->release (host, self);
    return adze_fail (host, ADZE_E_PARAM, "parameter 'word' is not the right one");
  }
#endif
  self->scratch = host->allocate (host, 64 * sizeof *self->scratch);
  if (!self->scratch) {
#ifdef BENT_KEEPS_ALLOCATED
    return adze_fail (host, ADZE_E_MEMORY, "no room for its scratch");
#else
    return no_memory (host, self);
#endif
  }
  self->note = malloc (100);
#ifdef BENT_UNCHECKED_MALLOC
  self->note[0] = 'x';
#endif
  if (!self->note)
    return no_memory (host, self);
  self->more = malloc (200);
  if (!self->more) {
#ifdef BENT_KEEPS_MALLOC
    self->note = NULL;
#endif
    return no_memory (host, self);
  }
#ifdef BENT_CREATE_LEAKS
  leak ();
#endif
#ifdef BENT_LEAVES
  leave_something ();
#endif
  *instance = self;
  return ADZE_OK;
}

#ifdef BENT_OWN_THREAD
static void *
draw (void *argument)
{
  uint64_t number;
  adze_random_fill (argument, "own", 0, &number, 1);
  return NULL;
}
#endif

#ifdef BENT_RACE
/* Waits a little for company, so that two calls that can be inside at once are. */
static int
in_company (size_t count)
{
  static atomic_int inside;
  if (count < 10000)
    return 0;
  int company = atomic_fetch_add (&inside, 1) > 0;
  for (int i = 0; !company && i < 20; i++) {
    const struct timespec moment = { 0, 1000000 };
    nanosleep (&moment, NULL);
    company = atomic_load (&inside) > 1;
  }
  atomic_fetch_sub (&inside, 1);
  return company;
}
#endif

static adze_status
apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  bent *self = instance;
  adze_view out;
  if (!adze_view_is (&input->view, ADZE_FLOAT, 32))
#ifdef BENT_NO_REASON
    return ADZE_E_UNSUPPORTED;
#else
    return adze_fail (host, ADZE_E_UNSUPPORTED, "it takes compact float32 alone");
#endif
  adze_status status = adze_call_output_like (host, call, input, &out);
  if (status != ADZE_OK)
    return status;
  size_t count = adze_view_count (&input->view);
  float *from = adze_view_data (&input->view), *to = out.data;
  for (size_t i = 0; i < count; i++)
    to[i] = from[i] * (float)self->level;
#ifdef BENT_END
  if (self->level == 100)
    raise (SIGSEGV);
#endif
#ifdef BENT_WRITES_INPUT
  if (count > 0)
    from[count - 1] = 12345;
#endif
#ifdef BENT_OWN_THREAD
  pthread_t thread;
  if (pthread_create (&thread, NULL, draw, (void *)host) == 0)
    pthread_join (thread, NULL);
#endif
#ifdef BENT_TIME
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  if (count > 0)
    to[0] = (float)now.tv_nsec;
#endif
#ifdef BENT_RACE
  if (in_company (count))
    to[0] = 12345;
#endif
#ifdef BENT_NEEDS_SERVICE
  const adze_log_service *log = host->service (host, ADZE_LOG);
  log->write (host, ADZE_LOG_DEBUG, "here we are");
#endif
#ifdef BENT_SECOND_OUTPUT
  return adze_call_output_like (host, call, input, &out);
#endif
  return ADZE_OK;
}

static const adze_technique technique = {
  .struct_size = sizeof technique,
  .effect = ADZE_CHANGES,
  .create = create,
  .destroy = destroy,
  .apply = apply,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "bent",
  .summary = "is bent",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &technique,
};

static const adze_component *const components[] = { &component, NULL };

/* Asks for memory that is there until deinit: a start that fails must be taken for what it is. */
static void *kept;

static adze_status
init (const adze_host *host)
{
#ifdef BENT_INIT_LEAKS
  leak ();
#endif
  kept = host->allocate (host, 10);
  return kept ? ADZE_OK : adze_fail (host, ADZE_E_MEMORY, "no room to start in");
}

static void
deinit (const adze_host *host)
{
#ifdef BENT_DEINIT_BREAKS
  host->release (host, NULL);
#else
  host->release (host, kept);
#endif
}

#ifdef BENT_EXPORTS
__attribute__ ((visibility ("default"))) int bent_helper (void);

int
bent_helper (void)
{
  return 1;
}
#endif

#ifdef BENT_GIVEN
static const char *const given[] = { "other.word = 'another'", "bent.word = 'the right one'", NULL };
static const adze_check_extension check = { .struct_size = sizeof check, .given = given };

static const void *
extension (const char *id)
{
  return strcmp (id, ADZE_CHECK) == 0 ? &check : NULL;
}
#endif

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "bent",
  .version = "1.0",
  .summary = "a plugin for a test",
  .license = "Apache-2.0",
  .components = components,
#ifdef BENT_GIVEN
  .extension = extension,
#endif
  .init = init,
  .deinit = deinit,
};

ADZE_PLUGIN_REGISTER (bent, plugin);
