package entity

// The entity types of a hub and of those who work for it.
const (
	FederationEntity = "federation_entity" // the specification's own: endpoints of the federation
	Hub              = "fame_hub"
	Registrar        = "fame_registrar"
	Idmgr            = "fame_identity_manager"
)
