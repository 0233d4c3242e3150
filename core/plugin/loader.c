/* SPDX-License-Identifier: Apache-2.0 */
/* libltdl behind one door. See loader.h. */
#include "plugin/loader.h"

#include <dlfcn.h>
#include <errno.h>
#include <ltdl.h>
#include <libltdl/lt_dlloader.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"

struct adze_module {
  lt_dlhandle handle;
};

/* libltdl is one set of globals for the whole process, whoever uses it; so is what guards it. */
static pthread_mutex_t ltdl_lock = PTHREAD_MUTEX_INITIALIZER;
static bool ltdl_ready;
static const lt_dlsymlist *builtin_symbols;
static bool files_allowed = true;
static bool worker_self;

/* What the dynamic linker said last on this thread. libltdl keeps a pointer into dlerror's own
 * memory, which the next call frees; and its loader for linked-in modules, which runs after ours,
 * overwrites every reason with "file not found". */
static _Thread_local char linker_words[1024];

static void
keep_linker_words (void)
{
  const char *words = dlerror ();
  snprintf (linker_words, sizeof linker_words, "%s", words ? words : "no reason given");
}

/* RTLD_NOW, since a symbol that is missing must be a refusal now and not the end of the process at
 * its first use; RTLD_LOCAL, since two plugins may well have functions of the same name. */
static lt_module
object_open (lt_user_data data, const char *path, lt_dladvise advise)
{
  (void)data;
  (void)advise;
  linker_words[0] = '\0';
  void *object = dlopen (path, RTLD_NOW | RTLD_LOCAL);
  if (!object)
    keep_linker_words ();
  return object;
}

static int
object_close (lt_user_data data, lt_module module)
{
  (void)data;
  return dlclose (module);
}

static void *
object_symbol (lt_user_data data, lt_module module, const char *name)
{
  (void)data;
  return dlsym (module, name);
}

/* libltdl frees the table when it ends, and leaves to us the one that it gives back. */
static adze_error *
put_own_loader (void)
{
  lt_dlvtable *own = calloc (1, sizeof *own);
  if (!own)
    return adze_error_memory ();
  own->name = "adze_objects";
  own->module_open = object_open;
  own->module_close = object_close;
  own->find_sym = object_symbol;
  own->priority = LT_DLLOADER_PREPEND;
  free ((void *)lt_dlloader_remove ("lt_dlopen"));
  if (lt_dlloader_add (own) != 0) {
    free (own);
    return adze_error_new (ADZE_E_INTERNAL, "libltdl does not take our loader");
  }
  return NULL;
}

/* With the lock held. A program that only has linked-in plugins gets no loader for files at all. */
static adze_error *
get_ready (void)
{
  if (ltdl_ready)
    return NULL;
  if (lt_dlinit () != 0)
    return adze_error_new (ADZE_E_INTERNAL, "libltdl does not start");
  if (builtin_symbols && lt_dlpreload (builtin_symbols) != 0)
    return adze_error_new (ADZE_E_INTERNAL, "libltdl does not take the table of linked-in plugins");
  if (files_allowed)
    ADZE_TRY (put_own_loader ());
  else
    free ((void *)lt_dlloader_remove ("lt_dlopen"));
  ltdl_ready = true;
  return NULL;
}

void
adze_runtime_preload (const void *symbols, bool is_own_worker, bool no_files)
{
  pthread_mutex_lock (&ltdl_lock);
  builtin_symbols = symbols;
  worker_self = is_own_worker;
  files_allowed = !no_files;
  pthread_mutex_unlock (&ltdl_lock);
}

bool
adze_loader_files_allowed (void)
{
  return files_allowed;
}

bool
adze_loader_worker_self (void)
{
  return worker_self;
}

/* With the lock held, after lt_dlopen. Want of memory is told apart, since it passes: libltdl's own
 * has a text of its own, and the dynamic linker's ends in the system's words for it. */
static adze_error *
refuse_to_open (const char *name)
{
  const char *words = linker_words[0] ? linker_words : lt_dlerror ();
  bool memory = words && (strstr (words, "not enough memory") || strstr (words, strerror (ENOMEM)));
  return adze_refusal (memory ? ADZE_E_MEMORY : ADZE_E_UNSUPPORTED, ADZE_STEP_OPEN, name, "%s",
                       memory || linker_words[0] ? words : "nothing of this name can be opened");
}

/* With the lock held. */
static adze_error *
open_locked (const char *name, adze_module **module)
{
  ADZE_TRY (get_ready ());
  adze_module *fresh = calloc (1, sizeof *fresh);
  if (!fresh)
    return adze_error_memory ();
  linker_words[0] = '\0';
  fresh->handle = lt_dlopen (name);
  if (!fresh->handle) {
    free (fresh);
    return refuse_to_open (name);
  }
  /* A plugin may have left threads, thread-local destructors or registered functions behind:
   * taking its code away under them ends the process. */
  lt_dlmakeresident (fresh->handle);
  *module = fresh;
  return NULL;
}

adze_error *
adze_module_open (const char *path, adze_module **module)
{
  if (path[0] != '/')
    return adze_refusal (ADZE_E_INTERNAL, ADZE_STEP_OPEN, path, "the path is not absolute");
  if (!files_allowed)
    return adze_refusal (ADZE_E_UNSUPPORTED, ADZE_STEP_OPEN, path,
                         "this program has its plugins linked in and loads no files");
  pthread_mutex_lock (&ltdl_lock);
  adze_error *error = open_locked (path, module);
  pthread_mutex_unlock (&ltdl_lock);
  return error;
}

adze_error *
adze_module_builtin (const char *name, adze_module **module)
{
  ADZE_AUTO_FREE char *file = adze_text_format ("%s.a", name);
  if (!file)
    return adze_error_memory ();
  pthread_mutex_lock (&ltdl_lock);
  adze_error *error = open_locked (file, module);
  pthread_mutex_unlock (&ltdl_lock);
  return error;
}

/* The table lists each archive as a name with a NULL address, followed by its symbols. */
adze_error *
adze_module_builtin_names (char ***names, size_t *count)
{
  size_t most = 0;
  for (const lt_dlsymlist *symbol = builtin_symbols; symbol && symbol->name; symbol++)
    most++;
  char **list = calloc (most + 1, sizeof *list);
  size_t found = 0;
  if (!list)
    return adze_error_memory ();
  for (const lt_dlsymlist *symbol = builtin_symbols; symbol && symbol->name; symbol++) {
    size_t length = strlen (symbol->name);
    if (symbol->address || length < 3 || strcmp (symbol->name + length - 2, ".a") != 0)
      continue;
    list[found] = strndup (symbol->name, length - 2);
    if (!list[found]) {
      adze_names_free (list, found);
      return adze_error_memory ();
    }
    found++;
  }
  *names = list;
  *count = found;
  return NULL;
}

adze_error *
adze_module_symbol (adze_module *module, const char *path, const char *symbol, void **address)
{
  pthread_mutex_lock (&ltdl_lock);
  *address = lt_dlsym (module->handle, symbol);
  pthread_mutex_unlock (&ltdl_lock);
  if (*address)
    return NULL;
  return adze_refusal (ADZE_E_NOT_FOUND, ADZE_STEP_SYMBOL, path,
                       "it does not export the function %s", symbol);
}

void
adze_module_free (adze_module *module)
{
  free (module);
}
