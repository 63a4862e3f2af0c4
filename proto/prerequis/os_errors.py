"""What the operating system says when it refuses, in French: the three commands tell it to their users alike."""

import errno

_WHY = {
    errno.ENOENT: "absent",
    errno.ENOTDIR: "absent",
    errno.EACCES: "droits insuffisants",
    errno.EPERM: "droits insuffisants",
    errno.EISDIR: "c'est un dossier",
    errno.EEXIST: "existe déjà",
    errno.ENOTEMPTY: "le dossier n'est pas vide",
    errno.ENAMETOOLONG: "nom trop long",
    errno.ENOSPC: "disque plein",
    errno.EDQUOT: "quota de disque atteint",
    errno.EFBIG: "fichier trop grand",
    errno.EROFS: "disque en lecture seule",
    errno.EIO: "erreur de lecture ou d'écriture",
    errno.ECONNREFUSED: "connexion refusée",
    errno.ECONNRESET: "connexion coupée à l'autre bout",
    errno.ECONNABORTED: "connexion coupée",
    errno.EPIPE: "connexion coupée à l'autre bout",
    errno.ENETUNREACH: "réseau injoignable",
    errno.EHOSTUNREACH: "machine injoignable",
    errno.EADDRINUSE: "adresse déjà utilisée",
    errno.EADDRNOTAVAIL: "cette machine n'a pas cette adresse",
}


def why(problem: OSError) -> str:
    """Return in a few French words what the system says, or in its own words where that is rare."""
    if isinstance(problem, TimeoutError):
        return "pas de réponse à temps"
    # Its numbers are its own, below zero on Linux, where a server that listens passes them on under another type; the
    # type is socket's, which few need to load.
    if type(problem).__name__ == "gaierror" or (problem.errno or 0) < 0:
        return "nom de machine inconnu"
    return _WHY.get(problem.errno or 0) or problem.strerror or str(problem) or type(problem).__name__
