"""The gRPC edge: servicers, interceptors, error translation; the only importer of the generated services."""
