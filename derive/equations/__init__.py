"""What an equation is: drift, noise, certificate, and its form in numbered coordinates."""
