/* The one function of bcryptprimitives.dll that programs written in Rust ask for, and that Wine 8 (Debian 12) lacks.
   For tests only: scripts/check-windows puts it in the Wine prefix. Windows has its own. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length); /* RtlGenRandom */

__declspec(dllexport) BOOL WINAPI ProcessPrng(BYTE *buffer, SIZE_T length)
{
    while (length) {
        ULONG step = length > 0x10000000 ? 0x10000000 : (ULONG)length;
        if (!SystemFunction036(buffer, step))
            return FALSE;
        buffer += step;
        length -= step;
    }
    return TRUE;
}
