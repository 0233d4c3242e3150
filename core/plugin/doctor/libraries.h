/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/doctor/libraries.h: where the dynamic linker would find what a file needs. */
#ifndef ADZE_PLUGIN_DOCTOR_LIBRARIES_H
#define ADZE_PLUGIN_DOCTOR_LIBRARIES_H

#include "plugin/doctor/elf.h"

/* Libraries that one file may draw in; what needs more is meant to hurt. */
#define ADZE_CLOSURE_MAX 1024

typedef struct adze_library {
  char *name;          /* as it was asked for */
  char *path;          /* NULL: nowhere */
  adze_elf *elf;       /* NULL: nowhere, or the file there is of no use */
  adze_error *trouble; /* why a file of that name is of no use */
  char *searched;      /* of one that is nowhere: the places */
  size_t asker;        /* the first one that asked for it */
  size_t *needs;       /* for each of elf->needed, which library it is */
  bool in_program;     /* the running program has it already */
} adze_library;

/* A file and all that it needs, itself first. */
typedef struct adze_closure {
  adze_library *libraries;
  size_t count;
  bool too_many;
} adze_closure;

void adze_closure_cleanup (adze_closure *closure);

/* Places that do not depend on who asks. */
typedef struct adze_search {
  char *cache; /* /etc/ld.so.cache; NULL: none that can be read */
  size_t cache_size;
  char *system_folder; /* the dynamic linker's own, such as /usr/lib/x86_64-linux-gnu */
  const char *library_path; /* LD_LIBRARY_PATH; NULL: not set, or not to be heeded */
} adze_search;

/* The running program with its libraries; empty when it is linked statically or cannot be read. */
ADZE_MUST_CHECK adze_error *adze_closure_of_program (adze_search *search, adze_closure *program);

/* ELF, which is taken over, with its libraries. */
ADZE_MUST_CHECK adze_error *adze_closure_of_file (const adze_search *search,
                                                  const adze_closure *program, adze_elf *elf,
                                                  adze_closure *closure);
void adze_search_cleanup (adze_search *search);

/* A library that nobody asked for, in the system's places: *ELF is NULL when it is not there. */
ADZE_MUST_CHECK adze_error *adze_search_system (const adze_search *search, const char *name,
                                                adze_elf **elf);

/* The next path that a cache has for NAME, or NULL. *AT starts at 0 and is moved on. */
const char *adze_library_cache_next (const char *cache, size_t size, const char *name, size_t *at);

#endif
