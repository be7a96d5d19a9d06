/* sealed-stubs - what a static program must bring along to hold no network function.
 *
 * Linked into the sealed programs only. glibc's pthread_create() stores the address of
 * the thread's resolver state in a variable that lives beside the resolver, which draws
 * in socket, bind, sendto and recvmsg. Here the variable lives alone. And ICU, SQLite
 * and libgomp look for plug-ins by dlopen(); the linker (--wrap=dlopen) sends them
 * here: there are none. */
#include <stddef.h>

extern __thread void *__libc_resp __attribute__((visibility("hidden")));
__thread void *__libc_resp;

void *__wrap_dlopen(const char *file, int mode);
void *__wrap_dlopen(const char *file, int mode)
{
    (void)file;
    (void)mode;
    return NULL;
}
